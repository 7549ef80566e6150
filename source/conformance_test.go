package source

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRFC4180 goes through the seven rules of RFC 4180 section 2
// (https://www.rfc-editor.org/rfc/rfc4180#section-2), with its own examples
// behind the columns that a customer needs.
func TestRFC4180(t *testing.T) {
	const before = "customerType,customerEmail,firstName,lastName,"
	const start = "Individual,a@example.com,A,B,"
	cases := []struct {
		rule string
		text string
		want [][]string // the further cells
	}{
		{"1: each record on a line of its own", start + "aaa,bbb,ccc\r\n" + start + "zzz,yyy,xxx\r\n", [][]string{{"aaa", "bbb", "ccc"}, {"zzz", "yyy", "xxx"}}},
		{"2: the last record need not end its line", start + "aaa,bbb,ccc\r\n" + start + "zzz,yyy,xxx", [][]string{{"aaa", "bbb", "ccc"}, {"zzz", "yyy", "xxx"}}},
		{"4: spaces are part of a field", start + " aaa, b b ,ccc \r\n", [][]string{{" aaa", " b b ", "ccc "}}},
		{"4: a last field can be empty", start + "aaa,,\r\n", [][]string{{"aaa", "", ""}}},
		{"5: fields may be quoted", start + "\"aaa\",\"bbb\",ccc\r\n", [][]string{{"aaa", "bbb", "ccc"}}},
		{"5: a quoted field can be empty", start + "\"\",\"\",\"\"\r\n", [][]string{{"", "", ""}}},
		{"5: no quotes inside an unquoted field", start + "aaa,b\"b,ccc\r\n", nil},
		{"6: line breaks, quotes and commas are quoted", start + "aaa,\"b\r\nbb\",\"c,cc\"\r\n" + start + "zzz,yyy,xxx\r\n", [][]string{{"aaa", "b\r\nbb", "c,cc"}, {"zzz", "yyy", "xxx"}}},
		{"7: a quote is written twice", start + "\"aaa\",\"b\"\"bb\",\"\"\"\"\r\n", [][]string{{"aaa", "b\"bb", "\""}}},
		{"7: nothing but a comma behind a closing quote", start + "\"aaa\" ,bbb,ccc\r\n", nil},
	}
	for _, c := range cases {
		for _, delimiter := range []string{",", ";", "\t"} {
			t.Run(c.rule+" "+delimiter, func(t *testing.T) {
				// Rule 3 is the header line, which here there must be.
				text := before + "x,y,z\r\n" + c.text
				if delimiter != "," {
					text = strings.ReplaceAll(text, ",", delimiter)
				}
				_, recs := readAll(t, text)
				if c.want == nil {
					require.Len(t, recs, 1)
					assert.Equal(t, []string{"malformed_row"}, codes(recs[0]))
					return
				}
				require.Len(t, recs, len(c.want))
				for i, rec := range recs {
					assert.Empty(t, rec.Problems)
					assert.Equal(t, strings.ReplaceAll(strings.Join(c.want[i], "¦"), ",", delimiter), strings.Join(rec.Cells[4:], "¦"))
				}
			})
		}
	}
}

// jsonParsing are tests of the JSONTestSuite by Nicolas Seriot
// (https://github.com/nst/JSONTestSuite, test_parsing, MIT licence), written
// down again under its names. y_ must be accepted, n_ refused, and i_ is up to
// the parser: there the code that this one gives is written. Tests that have
// line ends inside are left out: a line is what a record is. So are deep
// nestings, which are tested as such.
var jsonParsing = map[string]string{
	"y_array_arraysWithSpaces":                  `[[]   ]`,
	"y_array_empty-string":                      `[""]`,
	"y_array_empty":                             `[]`,
	"y_array_ending_with_newline":               `["a"]`,
	"y_array_false":                             `[false]`,
	"y_array_heterogeneous":                     `[null, 1, "1", {}]`,
	"y_array_null":                              `[null]`,
	"y_array_with_leading_space":                ` [1]`,
	"y_array_with_several_null":                 `[1,null,null,null,2]`,
	"y_array_with_trailing_space":               `[2] `,
	"y_number":                                  `[123e65]`,
	"y_number_0e+1":                             `[0e+1]`,
	"y_number_0e1":                              `[0e1]`,
	"y_number_after_space":                      `[ 4]`,
	"y_number_double_close_to_zero":             `[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]`,
	"y_number_int_with_exp":                     `[20e1]`,
	"y_number_minus_zero":                       `[-0]`,
	"y_number_negative_int":                     `[-123]`,
	"y_number_negative_one":                     `[-1]`,
	"y_number_real_capital_e":                   `[1E22]`,
	"y_number_real_capital_e_neg_exp":           `[1E-2]`,
	"y_number_real_capital_e_pos_exp":           `[1E+2]`,
	"y_number_real_exponent":                    `[123e45]`,
	"y_number_real_fraction_exponent":           `[123.456e78]`,
	"y_number_real_neg_exp":                     `[1e-2]`,
	"y_number_simple_int":                       `[123]`,
	"y_number_simple_real":                      `[123.456789]`,
	"y_object":                                  `{"asd":"sdf", "dfg":"fgh"}`,
	"y_object_basic":                            `{"asd":"sdf"}`,
	"y_object_empty":                            `{}`,
	"y_object_empty_key":                        `{"":0}`,
	"y_object_escaped_null_in_key":              `{"foo\u0000bar": 42}`,
	"y_object_extreme_numbers":                  `{ "min": -1.0e+28, "max": 1.0e+28 }`,
	"y_object_long_strings":                     `{"x":[{"id": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}], "id": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}`,
	"y_object_simple":                           `{"a":[]}`,
	"y_object_string_unicode":                   `{"title":"\u041f\u043e\u043b\u0442\u043e\u0440\u0430" }`,
	"y_string_1_2_3_bytes_UTF-8_sequences":      `["\u0060\u012a\u12AB"]`,
	"y_string_accepted_surrogate_pair":          `["\uD801\udc37"]`,
	"y_string_allowed_escapes":                  `["\"\\\/\b\f\n\r\t"]`,
	"y_string_backslash_and_u_escaped_zero":     `["\\u0000"]`,
	"y_string_comments":                         `["a/*b*/c/*d//e"]`,
	"y_string_double_escape_a":                  `["\\a"]`,
	"y_string_escaped_control_character":        `["\u0012"]`,
	"y_string_escaped_noncharacter":             `["\uFFFF"]`,
	"y_string_in_array_with_leading_space":      `[ "asd"]`,
	"y_string_last_surrogates_1_and_2":          `["\uDBFF\uDFFF"]`,
	"y_string_nbsp_uescaped":                    `["new\u00A0line"]`,
	"y_string_null_escape":                      `["\u0000"]`,
	"y_string_one-byte-utf-8":                   `["\u002c"]`,
	"y_string_pi":                               `["π"]`,
	"y_string_reservedCharacterInUTF-8_U+1BFFF": "[\"\U0001bfff\"]",
	"y_string_space":                            `" "`,
	"y_string_u+2028_line_sep":                  "[\"\u2028\"]",
	"y_string_uEscape":                          `["\u0061\u30af\u30EA\u30b9"]`,
	"y_string_unicode_U+FFFE_nonchar":           `["\uFFFE"]`,
	"y_string_with_del_character":               "[\"a\x7fa\"]",
	"y_structure_lonely_false":                  `false`,
	"y_structure_lonely_int":                    `42`,
	"y_structure_lonely_negative_real":          `-0.1`,
	"y_structure_lonely_null":                   `null`,
	"y_structure_lonely_string":                 `"asd"`,
	"y_structure_lonely_true":                   `true`,
	"y_structure_string_empty":                  `""`,
	"y_structure_true_in_array":                 `[true]`,
	"y_structure_whitespace_array":              ` [] `,

	"n_array_1_true_without_comma":                     `[1 true]`,
	"n_array_a_invalid_utf8":                           "[a\xe5]",
	"n_array_colon_instead_of_comma":                   `["": 1]`,
	"n_array_comma_after_close":                        `[""],`,
	"n_array_comma_and_number":                         `[,1]`,
	"n_array_double_comma":                             `[1,,2]`,
	"n_array_double_extra_comma":                       `["x",,]`,
	"n_array_extra_close":                              `["x"]]`,
	"n_array_extra_comma":                              `["",]`,
	"n_array_incomplete":                               `["x"`,
	"n_array_incomplete_invalid_value":                 `[x`,
	"n_array_inner_array_no_comma":                     `[3[4]]`,
	"n_array_invalid_utf8":                             "[\xff]",
	"n_array_items_separated_by_semicolon":             `[1:2]`,
	"n_array_just_comma":                               `[,]`,
	"n_array_just_minus":                               `[-]`,
	"n_array_missing_value":                            `[   , ""]`,
	"n_array_number_and_several_commas":                `[1,,]`,
	"n_array_star_inside":                              `[*]`,
	"n_array_unclosed":                                 `[""`,
	"n_incomplete_false":                               `[fals]`,
	"n_incomplete_null":                                `[nul]`,
	"n_incomplete_true":                                `[tru]`,
	"n_multidigit_number_then_00":                      "123\x00",
	"n_number_++":                                      `[++1234]`,
	"n_number_+1":                                      `[+1]`,
	"n_number_-01":                                     `[-01]`,
	"n_number_-2.":                                     `[-2.]`,
	"n_number_.2e-3":                                   `[.2e-3]`,
	"n_number_0.1.2":                                   `[0.1.2]`,
	"n_number_0_capital_E":                             `[0E]`,
	"n_number_0e":                                      `[0e]`,
	"n_number_1_000":                                   `[1 000.0]`,
	"n_number_1eE2":                                    `[1eE2]`,
	"n_number_2.e3":                                    `[2.e3]`,
	"n_number_9.e+":                                    `[9.e+]`,
	"n_number_Inf":                                     `[Inf]`,
	"n_number_NaN":                                     `[NaN]`,
	"n_number_U+FF11_fullwidth_digit_one":              `[１]`,
	"n_number_expression":                              `[1+2]`,
	"n_number_hex_1_digit":                             `[0x1]`,
	"n_number_infinity":                                `[Infinity]`,
	"n_number_invalid-negative-real":                   `[-123.123foo]`,
	"n_number_minus_space_1":                           `[- 1]`,
	"n_number_neg_int_starting_with_zero":              `[-012]`,
	"n_number_with_leading_zero":                       `[012]`,
	"n_object_bad_value":                               `["x", truth]`,
	"n_object_bracket_key":                             `{[: "x"}`,
	"n_object_comma_instead_of_colon":                  `{"x", null}`,
	"n_object_double_colon":                            `{"x"::"b"}`,
	"n_object_emoji":                                   `{🇨🇭}`,
	"n_object_garbage_at_end":                          `{"a":"a" 123}`,
	"n_object_key_with_single_quotes":                  `{key: 'value'}`,
	"n_object_lone_continuation_byte_in_key":           "{\"\xb9\":\"0\",}",
	"n_object_missing_colon":                           `{"a" b}`,
	"n_object_missing_key":                             `{:"b"}`,
	"n_object_missing_semicolon":                       `{"a" "b"}`,
	"n_object_missing_value":                           `{"a":`,
	"n_object_no-colon":                                `{"a"`,
	"n_object_non_string_key":                          `{1:1}`,
	"n_object_repeated_null_null":                      `{null:null,null:null}`,
	"n_object_several_trailing_commas":                 `{"id":0,,,,,}`,
	"n_object_single_quote":                            `{'a':0}`,
	"n_object_trailing_comma":                          `{"id":0,}`,
	"n_object_trailing_comment":                        `{"a":"b"}/**/`,
	"n_object_trailing_comment_slash_open":             `{"a":"b"}//`,
	"n_object_two_commas_in_a_row":                     `{"a":"b",,"c":"d"}`,
	"n_object_unquoted_key":                            `{a: "b"}`,
	"n_object_unterminated-value":                      `{"a":"a`,
	"n_object_with_single_string":                      `{ "foo" : "bar", "a" }`,
	"n_object_with_trailing_garbage":                   `{"a":"b"}#`,
	"n_single_space":                                   ` `,
	"n_string_1_surrogate_then_escape_u":               `["\uD800\u"]`,
	"n_string_accentuated_char_no_quotes":              `[é]`,
	"n_string_backslash_00":                            "[\"\\\x00\"]",
	"n_string_escape_x":                                `["\x00"]`,
	"n_string_escaped_backslash_bad":                   `["\\\"]`,
	"n_string_escaped_ctrl_char_tab":                   "[\"\\\t\"]",
	"n_string_escaped_emoji":                           `["\🌀"]`,
	"n_string_incomplete_escape":                       `["\"]`,
	"n_string_incomplete_escaped_character":            `["\u00A"]`,
	"n_string_incomplete_surrogate":                    `["\uD834\uDd"]`,
	"n_string_invalid-utf-8-in-escape":                 "[\"\\u\xe5\"]",
	"n_string_invalid_backslash_esc":                   `["\a"]`,
	"n_string_leading_uescaped_thinspace":              `[\u0020"asd"]`,
	"n_string_no_quotes_with_bad_escape":               `[\n]`,
	"n_string_single_doublequote":                      `"`,
	"n_string_single_quote":                            `['single quote']`,
	"n_string_unescaped_ctrl_char":                     "[\"a\x00a\"]",
	"n_string_unescaped_tab":                           "[\"\t\"]",
	"n_string_unicode_CapitalU":                        `"\UA66D"`,
	"n_string_with_trailing_garbage":                   `""x`,
	"n_structure_U+2060_word_joined":                   "[\u2060]",
	"n_structure_UTF8_BOM_no_data":                     "\ufeff",
	"n_structure_angle_bracket_.":                      `<.>`,
	"n_structure_array_trailing_garbage":               `[1]x`,
	"n_structure_array_with_unclosed_string":           `["asd]`,
	"n_structure_ascii-unicode-identifier":             `aå`,
	"n_structure_capitalized_True":                     `[True]`,
	"n_structure_close_unopened_array":                 `1]`,
	"n_structure_comma_instead_of_closing_brace":       `{"x": true,`,
	"n_structure_double_array":                         `[][]`,
	"n_structure_end_array":                            `]`,
	"n_structure_incomplete_UTF8_BOM":                  "\xef\xbb{}",
	"n_structure_lone-invalid-utf-8":                   "\xe5",
	"n_structure_null-byte-outside-string":             "[\x00]",
	"n_structure_number_with_trailing_garbage":         `2@`,
	"n_structure_object_followed_by_closing_object":    `{}}`,
	"n_structure_object_unclosed_no_value":             `{"":`,
	"n_structure_object_with_comment":                  `{"a":/*comment*/"b"}`,
	"n_structure_object_with_trailing_garbage":         `{"a": true} "x"`,
	"n_structure_open_array_apostrophe":                `['`,
	"n_structure_open_object_close_array":              `{]`,
	"n_structure_open_object_string_with_apostrophes":  `{'a'`,
	"n_structure_single_star":                          `*`,
	"n_structure_trailing_#":                           `{"a":"b"}#{}`,
	"n_structure_uescaped_LF_before_string":            `[\u000A""]`,
	"n_structure_unclosed_array_unfinished_true":       `[ false, tru`,
	"n_structure_unclosed_object":                      `{"asd":"asd"`,
	"n_structure_unicode-identifier":                   `å`,
	"n_structure_whitespace_U+2060_word_joiner":        "\u2060",
	"n_structure_whitespace_formfeed":                  "[\f]",
	"n_object_trailing_comment_open":                   `{"a":"b"}/**//`,
	"n_object_trailing_comment_slash_open_incomplete":  `{"a":"b"}/`,
	"n_structure_open_open":                            `["\{["\{["\{["\{`,
	"n_structure_open_object_open_string":              `{"a`,
	"n_structure_unclosed_array_partial_null":          `[ false, nul`,
	"n_structure_no-break_space_instead_of_whitespace": "[\u00a0]",
}

// jsonUpToTheParser are the i_ tests, with the code that the line gets.
var jsonUpToTheParser = []struct{ name, line, code string }{
	{"i_number_huge_exp", `[0.4e00669999999999999999999999999999999999999999999]`, "not_an_object"},
	{"i_number_too_big_pos_int", `[100000000000000000000]`, "not_an_object"},
	{"i_object_key_lone_2nd_surrogate", `{"\uDFAA":0}`, "malformed_json"},
	{"i_string_1st_surrogate_but_2nd_missing", `["\uDADA"]`, "malformed_json"},
	{"i_string_invalid_lonely_surrogate", `["\ud800"]`, "malformed_json"},
	{"i_string_invalid_utf-8", "[\"\xff\"]", "invalid_encoding"},
	{"i_string_overlong_sequence_2_bytes", "[\"\xc0\xaf\"]", "invalid_encoding"},
	{"i_string_UTF8_surrogate_U+D800", "[\"\xed\xa0\x80\"]", "invalid_encoding"},
	{"i_string_truncated-utf-8", "[\"\xe0\xff\"]", "invalid_encoding"},
	// The suite has these two as y_. Which of two values is meant cannot be
	// guessed, and RFC 8259 section 4 leaves it open.
	{"y_object_duplicated_key", `{"a":"b","a":"c"}`, "duplicate_member"},
	{"y_object_duplicated_key_and_value", `{"a":"b","a":"b"}`, "duplicate_member"},
}

func TestJSONIsParsedAsTheTestSuiteHasIt(t *testing.T) {
	read := func(t *testing.T, line string) *Record {
		_, recs := readAll(t, "{}\n"+line+"\n{}\n")
		require.Len(t, recs, 3)
		assert.False(t, recs[2].Malformed, "the next line is read as ever")
		assert.Equal(t, line+"\n", string(recs[1].Raw))
		return recs[1]
	}
	for name, line := range jsonParsing {
		t.Run(name, func(t *testing.T) {
			rec := read(t, line)
			accepted := !rec.Malformed || codes(rec)[0] == "not_an_object"
			assert.Equal(t, strings.HasPrefix(name, "y_"), accepted, "%v", rec.Problems)
		})
	}
	for _, c := range jsonUpToTheParser {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, []string{c.code}, codes(read(t, c.line)))
		})
	}
}

func TestDeepNestingIsNoStackOverflow(t *testing.T) {
	for _, open := range []string{"[", `{"a":`} {
		_, recs := readAll(t, "{}\n{\"x\":"+strings.Repeat(open, 100_000)+"\n{}\n")
		require.Len(t, recs, 3)
		assert.Equal(t, []string{"malformed_json"}, codes(recs[1]))
	}
}
