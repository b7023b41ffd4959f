// Package calendar knows days and hours: business days, weekly openings, cut-offs by cron line, value dates and spot dates, and the
// public closings of the countries and systems that Qiantang pays in.
//
// It is pure: every function takes the time that it asks about. It does not know what a window or a rail is.
//
// Invariants:
//   - A wall time that a clock change skips happens at the moment of the change; one that a clock change repeats happens the first
//     time. So every cut-off fires exactly once.
//   - Where a day is both closed and an extra working day, it is closed: to wait is safer than to pay into a closed system.
//   - Built-in closings are dated facts with a source; years that no authority has published yet are marked as projected.
package calendar
