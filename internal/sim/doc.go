// Package sim simulates what the workers talk to: PingPong, LianLian, Antom and an Open FX provider, the ECB's reference rates and a
// clearing system. Each checks what it is sent as strictly as the real one would (signature, time, idempotency, rounding, unknown
// fields), and can be made to misbehave while it runs: latency, errors, lost answers, late confirmations, outages.
//
// It is also the judge: /admin/report says what was really paid, and whether any business payment was paid twice.
//
// Invariants:
//   - An instruction takes effect when it arrives, before the answer is delayed or lost: what was not found when asked for is not
//     taken later, unless it is sent again.
//   - Dice are thrown from the seed. Whether an instruction is refused or confirmed late depends on its ID alone, so that a run repeats
//     whatever the concurrency; what goes wrong with a request depends on how many came before.
//   - Nothing outlives the process.
package sim
