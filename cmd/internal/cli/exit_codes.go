package cli

// ExitEntry says what an exit code means, and what a person does about it. The
// manual has the table.
type ExitEntry struct {
	Code     int
	Text, Do string
}

// ExitCodes are the exit codes of all commands.
func ExitCodes() []ExitEntry {
	return []ExitEntry{
		{ExitOK, "Complete. Every row is ok, duplicate or known, or needs attention as an earlier night has reported already.", "Nothing."},
		{ExitBadRows, "Complete, and some rows need attention: they are invalid, rejected or failed (with a ledger: rows that are new, or were called tonight). Of check: some rows are invalid.",
			"Correct them: bulkonboard fixes, then retry --fixes."},
		{ExitUsage, "The command or a setting is wrong, or the service was not found at --base-url. Nothing was sent, or only the first calls, which showed it.",
			"Read the message; it names the flag."},
		{ExitBadList, "The list cannot be read as a customer list, has too few rows (--min-rows), or too many invalid ones (--max-invalid). Nothing was sent.",
			"Read the message; it says what to change."},
		{ExitState, "Something is not as a run left it: the list or the settings of an interrupted run, results, the summary, the state, the ledger, or a job.",
			"Restore it from a copy; or start over with --restart."},
		{ExitHeld, "Another run is writing this output, or another job is using this ledger.",
			"Wait for it to end; for a ledger, --wait does."},
		{ExitIO, "A file could not be read or written, or something unforeseen failed.",
			"Make room, or repair the disk; run the same command again."},
		{ExitStopped, "Stopped before the end: --until, --max-calls, --max-outage or --max-failures. Of verify, merge and run-chunk: something is not complete yet. Of check: the service cannot be reached.",
			"Read the message; run the same command again when it says so."},
		{ExitRefused, "The service refuses the credentials or the tenant.",
			"Fix them; run the same command again."},
		{ExitInterrupted, "Interrupted by a signal.",
			"Run the same command again."},
	}
}
