// Package measure counts and measures a run, for those who look on, for its
// checkpoint and for its summary. Nothing in it decides anything.
//
// A Tally counts records by status, and groups errors by code and field
// (ErrorGroups). A Meter measures time: how long attempts took, what was sent and
// written when, how long the run was paused or met an outage. Its Measures add up
// over the starts of a run and over the parts of a job. A Monitor shows at any
// moment how far a run is, as one consistent Progress.
package measure
