package sink

import (
	"regexp"
	"slices"
)

// CodeEntry says what an error code means and what a person does about it. The
// report and the manual show it.
type CodeEntry struct {
	Code string // http_4NN stands for every such status, and status_code_NNN for every number
	Text string // what it means
	Do   string // the next step
}

// ErrorCodes are the entries of all error codes: of rows that are not sent, of
// rows that the service refuses, and of calls that fail.
func ErrorCodes() []CodeEntry { return slices.Clone(errorCodes) }

// CodeEntryOf is the entry of an error code. A code of a later version has one
// that says so.
func CodeEntryOf(code string) CodeEntry {
	for _, name := range []string{code, httpStatus.ReplaceAllString(code, "${1}NN"), statusCode.ReplaceAllString(code, "${1}NNN")} {
		for _, e := range errorCodes {
			if e.Code == name {
				return e
			}
		}
	}
	return CodeEntry{Code: code, Text: "this version does not know the code", Do: "Read the message."}
}

var (
	httpStatus = regexp.MustCompile(`^(http_[45])[0-9]{2}$`)
	statusCode = regexp.MustCompile(`^(status_code_)[0-9]+$`)
)

const (
	typeIn   = "Correct the value with fixes."
	ask      = "Compare the values with what the service expects. Correct them with fixes, or send them again as they are with retry."
	tryAgain = "Run retry. If it fails again, ask the operator of the service."
)

var errorCodes = []CodeEntry{
	// Rows that break a rule, and are not sent.
	{"missing_customer_email", "The row has no e-mail address.", typeIn},
	{"invalid_customer_email", "The e-mail address is not valid.", typeIn},
	{"missing_customer_type", "The row does not say whether the customer is an Individual or a LegalEntity.", "Correct the value with fixes, or give every row the same one: --set customerType=Individual."},
	{"invalid_customer_type", "customerType must be exactly Individual or LegalEntity. The service gives the same answer when it does not accept the type.", typeIn},
	{"type_mismatch", "customerType does not match the details: an Individual has a first and a last name, a LegalEntity has a company's details.", typeIn},
	{"missing_details", "The row has neither the names of an individual nor the details of a company.", "Correct the row with fixes. If every row has it, map the columns: bulkonboard help lists."},
	{"both_details", "The row has the names of an individual and the details of a company.", "Empty one of the two with fixes."},
	{"missing_first_name", "The first name is missing.", typeIn},
	{"missing_last_name", "The last name is missing.", typeIn},
	{"missing_full_name", "The full name of the company is missing.", typeIn},
	{"missing_registration_number", "The registration number of the company is missing.", typeIn},
	{"missing_trading_name", "The trading name of the company is missing.", typeIn},
	{"invalid_send_email", "sendEmail must be true or false (yes, no, 1 and 0 also work).", typeIn},
	{"invalid_client_id", "clientId must be a UUID.", typeIn},
	{"rounded_number", "A spreadsheet has rounded the number, such as 9.7E+11. Its last digits are lost.", "Make the column text in the spreadsheet, and export the list again."},
	{"decimal_number", "A program has taken the value for a number, such as 971501234567.0.", "Make the column text where it is exported, and export the list again."},
	{"spreadsheet_error", "The value is an error of a spreadsheet, such as #N/A.", "Correct the formula in the spreadsheet, or the value with fixes."},
	{"column_too_narrow", "The value is #######, as a spreadsheet shows in a column that is too narrow.", "Widen the column in the spreadsheet, and export the list again."},
	{"number_digits_lost", "The cell of the workbook is a number, and its digits may not be those that were typed: it has 16 or more, or a point, or is shown in another way.", "Format the column as text, enter the value again in the workbook or with fixes."},
	{"number_zeros_lost", "The cell of the workbook is a number, and has lost the zeros that the value began with.", "Format the column as text, enter the value again in the workbook or with fixes."},
	{"number_is_date", "The cell of the workbook is a date, and not the text that is meant.", "Format the column as text, enter the value again in the workbook or with fixes."},
	{"truth_value", "The cell of the workbook is TRUE or FALSE as a truth value, and not the text that is meant.", "Format the column as text, enter the value again in the workbook or with fixes."},
	{"formula_without_value", "The cell of the workbook is a formula that was never calculated.", "Open the workbook in a spreadsheet program, save it, and run again."},
	{"control_character", "The value contains a control character, such as a line break.", typeIn},
	{"direction_character", "The value contains a character that sets the direction of text and cannot be seen.", typeIn},
	{"invisible_character", "The value contains a character that cannot be seen, such as a zero-width space.", typeIn},
	{"replacement_character", "The value contains U+FFFD: an earlier program could not read a character.", "Export the list again, as UTF-8."},
	{"formula_prefix", "The value begins with an apostrophe that keeps a spreadsheet from running it.", typeIn},
	{"nul_byte", "The row contains a NUL byte, which is not text.", "Export the list again."},
	{"invalid_encoding", "The row contains bytes that are not text in the encoding of the list.", "Name the encoding of the list, such as --encoding windows-1252."},
	{"wrong_field_count", "The row has more or fewer fields than the header.", "Split the row back into its columns with fixes."},
	{"malformed_row", "The row cannot be split into fields, often because of a stray quotation mark.", "Split the row back into its columns with fixes."},
	{"unreadable_row", "The row of the results cannot be split into fields.", "Split the row back into its columns with fixes."},
	{"row_too_long", "The row is longer than 2 MiB.", "Look for a quotation mark that is never closed."},
	{"line_too_long", "The line is longer than 1 MiB.", "Write one object to a line."},
	{"malformed_json", "The line is not valid JSON.", typeIn},
	{"not_an_object", "The line is JSON, but not an object.", typeIn},
	{"duplicate_member", "The object has two members of the same name.", typeIn},
	{"wrong_type", "The value must be a string.", typeIn},
	{"set_twice", "The field is in the object and in --set.", "Leave out the --set, or map the field to nothing: --map FIELD=."},

	// Rows that the service refuses.
	{"invalid_customer_details", "The service does not accept the details of this customer.", ask},
	{"invalid_request", "The service could not read the request.", "Report it: this is a fault of bulkonboard or of a proxy."},
	{"credentials_refused", "The service refuses this row with 401, and accepts others.", "Ask the operator of the service why this customer is refused."},
	{"tenant_refused", "The service refuses this row with 403, and accepts others.", "Ask the operator of the service, or of a firewall in front of it, why this customer is refused."},

	// Calls that fail.
	{"rate_limited", "The service asks for fewer calls.", "Run retry, with a lower --rate if it happens again."},
	{"http_4NN", "The service refuses the row with this HTTP status.", ask},
	{"http_5NN", "The service failed with this HTTP status.", tryAgain},
	{"status_code_NNN", "The service answers with this statusCode in its envelope.", tryAgain},
	{"no_session_id", "The service reports success and gives no session id.", tryAgain},
	{"session_id_malformed", "The service gives a session id that cannot be one, such as an e-mail address.", tryAgain},
	{"secret_in_session_id", "The service gives a session id that contains the app secret.", "Do not retry. Ask the operator of the service."},
	{"not_json", "The answer is not JSON: a proxy or a login page, perhaps.", "Check --base-url and the proxy."},
	{"redirect", "The service sends the call elsewhere, and no redirect is followed.", "Give the final address as --base-url."},
	{"proxy_authentication_required", "The proxy asks for credentials.", "Put them into HTTPS_PROXY, or use --no-proxy-env."},
	{"proxy_refused", "The proxy refuses the connection.", "Ask the operator of the proxy, or use --no-proxy-env."},
	{"dns_failure", "The name of the service cannot be resolved.", "Check --base-url and the name server."},
	{"connection_refused", "Nothing accepts connections at the address of the service.", "Check --base-url, its port and the firewall."},
	{"connection_failed", "No connection to the service can be made.", "Check the network and the firewall."},
	{"connection_reset", "The connection was reset before the answer was complete.", tryAgain},
	{"connection_closed", "The connection was closed before the answer.", tryAgain},
	{"answer_cut_off", "The answer ended too early.", tryAgain},
	{"answer_too_large", "The answer is larger than 1 MiB.", tryAgain},
	{"wrong_encoding", "The answer is compressed in a way that cannot be read.", tryAgain},
	{"timeout", "No answer came within --timeout.", "Run retry, with a longer --timeout if it happens again."},
	{"no_answer", "The call failed without an answer.", tryAgain},
	{"not_this_machine", "Plain http is allowed to this machine only, and the name leads to another.", "Use https."},
	{"certificate_refused", "The certificate of the service cannot be verified.", "Check --base-url; for a private authority use --ca-file."},
	{"tls_refused", "The service and bulkonboard agree on no version of TLS, or the service wants a client certificate.", "Check --client-cert-file; the service must support TLS 1.2."},
	{"tls_plain_http", "The address answers in plain http, not https.", "Check the port in --base-url."},
	{"tls_handshake_failed", "The TLS connection could not be set up.", tryAgain},
	{"cancelled", "The call was stopped together with the run.", "Run the same command again."},
	{"other", "More kinds of error than are counted one by one.", "Look at errorCode in the results."},
}
