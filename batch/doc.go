// Package batch is the engine: it takes every record of a list through the
// API once and writes one result for each, in order, so that a run that is
// interrupted anywhere resumes where it stopped.
//
//	source ── reader ──┬── order (window) ──────────────────────────► writer ── sink
//	                   └── work ── dispatcher ── journaler ── workers ┘
//
// The package takes its source, sink, caller, state and pace as values and
// keeps nothing in globals.
//
// # The way of a row
//
// These functions a row passes, in this order. Run makes the stages in
// pipeline.go; each stage is a goroutine, and has a file of its name.
//
//  1. source: List.RecordsFrom reads the bytes of the record.
//  2. batch: reader.admit makes a slot of it, which carries it to the writer.
//  3. answers: Chain.Answer has the result of a row that needs no call: from the
//     journal of an interrupted run, from Config.Answers, or because it is invalid.
//  4. batch: reader.enter puts the slot into the window, waiting while that is
//     full; reader.pass gives it to the dispatcher unless it has its result and is
//     the only row of its customer.
//  5. batch: dispatcher.received queues it; dispatcher.nextRow picks it once the
//     pace (pace: Controller.Next) lets an attempt go.
//  6. batch: dispatcher.begin gives it the result of an earlier row of its
//     customer, or waits for that row, or leaves it to the next start when the
//     wave is used up (callsLeft.takes); dispatcher.send sends it otherwise.
//  7. batch: journaler.write puts the attempt on record; journaler.release lets it
//     go then.
//  8. batch: sendAttempts calls the service, no faster than the ceiling allows
//     (batch: limiter.wait).
//  9. session: Client.Call makes the request (over HTTP/1.1, pool.roundTrip and
//     connection.exchange do) and judges the reply. It makes the request once
//     more, within the attempt that is on record, where the credentials were
//     refused and others could be had.
//  10. batch: dispatcher.replied decides by the table of replies.go
//     (dispatcher.decide): the row has its result (dispatcher.finish), has failed
//     (dispatcher.failed), waits for the reply to another row
//     (dispatcher.suspend), or stays as it is, because the run ends. One that has
//     failed is sent again from 5 on, or given up, once it is known whose fault that
//     was (dispatcher.decideUndecided).
//  11. batch: journaler.write puts the result on record; journaler.release stores
//     it in the slot then, but for the first rows' refusals in the same words,
//     which are withheld until another row shows whose fault they are
//     (refusals.check).
//  12. batch: writer.await has the slots in order; writer.write encodes the result
//     (sink: CSV.Append).
//  13. batch: writer.save commits, once a second: run.commit syncs the outputs
//     (state: Dir.SyncOutputs) and then puts the results into the ledger (known:
//     Records.Put), if there is one and it is due; then the checkpoint follows,
//     behind another sync of the outputs (state: Dir.Commit).
//  14. batch: run.publish puts the complete outputs in place (state: Dir.Publish).
//
// # The way of a setting
//
// A setting passes three layers, and has one name in all of them where its value
// passes as it is. --max-attempts is a field of cli.CallFlags, and checked there
// (CallFlags.Check); the command copies it into
// Config.MaxAttempts; run.newDispatcher gives it to the dispatcher, and
// dispatcher.decideUndecided acts on it. This package takes what Config has as it is.
//
// # The way of what other parts of a job meet
//
// A run of a part knows only its own calls. Config.OthersAnswered tells it, from
// outside, that the service has lately answered other parts. dispatcher.sendReady
// asks it and tells the pace (Controller.OthersAnswered): then failures are not
// taken for an outage for long, and count against the rows. A run of a whole list
// has no OthersAnswered.
//
// README.md in this folder says which file to change for what.
package batch
