package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const (
	// path is the one endpoint, by the guide.
	path = "/api/AppSessionManager/GetSessionId"

	// appPath is one beside it, by the vendor's public documentation.
	appPath = "/api/AppSessionManager/GetAppToken"
)

// Domains of e-mail addresses that the sandbox treats in its own way. Both are
// reserved by RFC 2606 and belong to no one.
const (
	refusedDomain = "@refused.example" // refused as a customer
	poisonDomain  = "@poison.example"  // always 500
)

// request is the body, as the guide has it.
type request struct {
	AppID         string `json:"appId"`
	AppSecret     string `json:"appSecret"`
	TenantID      string `json:"tenantId"`
	FormID        string `json:"formId"`
	CustomerType  string `json:"customerType"`
	CustomerEmail string `json:"customerEmail"`
	Individual    *struct {
		FirstName string `json:"firstName"`
		LastName  string `json:"lastName"`
	} `json:"individual"`
	Company *struct {
		FullName           string `json:"fullName"`
		RegistrationNumber string `json:"registrationNumber"`
		TradingName        string `json:"tradingName"`
	} `json:"company"`
}

// envelope is every answer.
type envelope struct {
	Version    *string  `json:"version"`
	StatusCode int      `json:"statusCode"`
	Messages   []string `json:"messages"`
	Result     *result  `json:"result"`
}

type result struct {
	SessionID string `json:"sessionId,omitempty"`
	Token     string `json:"token,omitempty"`
}

// refusal is an answer that is not a session id.
type refusal struct {
	status  int
	message string
}

// check compares a request with the guide's validation rules, in its order and
// in its words. nil means that the customer gets a session id.
func (o *Options) check(r *request) *refusal {
	if refused := o.checkAccess(r); refused != nil {
		return refused
	}
	switch {
	case r.FormID == "" || r.CustomerEmail == "":
		return bad("Invalid request parameters")
	case r.CustomerType != "Individual" && r.CustomerType != "LegalEntity":
		return bad("Invalid customer type.")
	case (r.Individual == nil) == (r.Company == nil):
		return bad("Invalid Customer Details")
	case (r.Individual != nil) != (r.CustomerType == "Individual"):
		return bad("Invalid Customer Type")
	case r.Individual != nil && (r.Individual.FirstName == "" || r.Individual.LastName == ""):
		return bad("Invalid Customer Details")
	case r.Company != nil && (r.Company.FullName == "" || r.Company.RegistrationNumber == "" || r.Company.TradingName == ""):
		return bad("Invalid Customer Details")
	case strings.HasSuffix(strings.ToLower(r.CustomerEmail), refusedDomain):
		return bad("Invalid Customer Details")
	case strings.HasSuffix(strings.ToLower(r.CustomerEmail), poisonDomain):
		return &refusal{http.StatusInternalServerError, "Server error"}
	}
	return nil
}

func bad(message string) *refusal { return &refusal{http.StatusBadRequest, message} }

// checkAccess is the part of check that is about who calls.
func (o *Options) checkAccess(r *request) *refusal {
	switch {
	case r == nil:
		return bad("Invalid Request")
	case r.AppID == "" || r.AppSecret == "":
		return bad("Invalid AppId or AppSecret")
	case o.AppID != "" && r.AppID != o.AppID, o.AppSecret != "" && r.AppSecret != o.AppSecret:
		return &refusal{http.StatusUnauthorized, "Invalid credentials"}
	case r.TenantID == "", o.TenantID != "" && r.TenantID != o.TenantID:
		return &refusal{http.StatusForbidden, "Unauthorized tenant"}
	}
	return nil
}

// SessionID is the session id that a customer gets for a form: always the
// same, so that two runs can be compared.
func SessionID(formID, email string) string {
	h := sha256.Sum256([]byte(formID + "\n" + asciiLower(strings.TrimSpace(email))))
	h[6] = h[6]&0x0f | 0x50 // version 5: made from a name
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// asciiLower folds the letters that two spellings of one address may differ in.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, s)
}

// answer writes an envelope whose status is also the HTTP status.
func answer(w http.ResponseWriter, status int, message string, r *result) []byte {
	b, _ := json.Marshal(envelope{StatusCode: status, Messages: []string{message}, Result: r}) // strings and numbers always encode
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	return b
}
