package session

import (
	"bytes"
	"encoding/json"
	"strings"
)

// envelope is what every answer of the API is meant to be. The parts are taken
// one by one, so that an odd one does not cost the others.
type envelope struct {
	StatusCode json.RawMessage `json:"statusCode"`
	Messages   json.RawMessage `json:"messages"`
	Result     json.RawMessage `json:"result"`
}

// reply is an answer taken apart.
type reply struct {
	status    int  // HTTP
	json      bool // the body was an envelope
	code      int  // statusCode; 0 when there was none
	messages  string
	sessionID string
}

// parseReply reads the body of an answer with the given HTTP status. The reply
// shares no memory with the body.
func parseReply(status int, body []byte) reply {
	if r, ok := plainReply(status, body); ok {
		return r
	}
	return anyReply(status, body)
}

// anyReply reads every answer there can be, and says what each means.
func anyReply(status int, body []byte) reply {
	r := reply{status: status}
	var e envelope
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if json.Unmarshal(body, &e) != nil || e.StatusCode == nil && e.Result == nil && e.Messages == nil {
		return r
	}
	r.json = true
	_ = json.Unmarshal(e.StatusCode, &r.code) // an odd one counts as none
	var result struct {
		SessionID string `json:"sessionId"`
	}
	_ = json.Unmarshal(e.Result, &result)
	r.sessionID = strings.TrimSpace(result.SessionID)
	r.messages = messagesOf(e.Messages)
	return r
}

// messagesOf joins the messages, which are meant to be a list of strings.
func messagesOf(raw json.RawMessage) string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, "; ")
	}
	var one string
	_ = json.Unmarshal(raw, &one)
	return one
}
