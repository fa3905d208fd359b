/**
 * The container's chart as tables: for each state and each event, what it does. A row's state may be narrowed, as in
 * `running.pausing, init ended`. In the cells:
 *
 * | cell | what it says |
 * |---|---|
 * | `✓` `✗paused` | the answer: done, or refused because it is paused; `exec✓101` is that to another request, with a pid |
 * | `→pausing` | the next state, without what it has in common with the last |
 * | `waits` | it is kept until the operation in flight has ended; `waits first`: before all else that is kept |
 * | `!pause` | subscribers are told |
 * | `init<15` `init<size` `launch exec-1` | what is done to a process: its signal, its terminal's size, its start |
 * | `slot` | the slot is given back |
 * | `report` `stray` | it is said in the log |
 * | `·` | nothing, and that is meant |
 * | `-` | it cannot come in this state, and the chart does not speak of it |
 */

/** Updates, which set a status and may send a signal: what they ask for. */
export const UPDATES = `
                               | nothing       | USR1          | KILL          | pause           | resume
-------------------------------|---------------|---------------|---------------|-----------------|--------------
created.queued                 | ✗created      | ✗created      | ✗created      | ✗created        | ✗created
created.launching.starting     | ✗created      | ✗created      | ✗created      | ✗created        | ✗created
created.launching.restoring    | ✗created      | ✗created      | ✗created      | ✗created        | ✗created
created.undoing                | ✗created      | ✗created      | ✗created      | ✗created        | ✗created
running.steady                 | ✓             | init<10       | init<9        | →pausing        | ✓
running.steady, exec launching | ✓             | init<10       | init<9        | →settling waits | ✓
running.settling               | waits         | waits         | waits         | waits           | waits
running.pausing                | waits         | waits         | waits         | waits           | waits
running.checkpointing          | waits         | waits         | waits         | waits           | waits
running.deletingCheckpoint     | waits         | waits         | waits         | waits           | waits
paused.steady                  | ✓             | init<10       | →killing      | ✓               | →resuming
paused.resuming                | waits         | waits         | waits         | waits           | waits
paused.thawing                 | waits         | waits         | waits         | waits           | waits
paused.killing                 | waits         | waits         | waits         | waits           | waits
paused.checkpointing           | waits         | waits         | waits         | waits           | waits
paused.deletingCheckpoint      | waits         | waits         | waits         | waits           | waits
checkpointed                   | ✗checkpointed | ✗checkpointed | ✗checkpointed | ✗checkpointed   | ✗checkpointed
exited.settling                | ✗exited       | ✗exited       | ✗exited       | ✗exited         | ✗exited
exited.deleting                | ✗exited       | ✗exited       | ✗exited       | ✗exited         | ✗exited
exited.draining                | ✗exited       | ✗exited       | ✗exited       | ✗exited         | ✗exited
`;

/** An exec, a checkpoint to be written, one to be deleted. */
export const OPERATIONS = `
                               | exec          | checkpoint      | delete one
-------------------------------|---------------|-----------------|--------------------
created.queued                 | ✗created      | ✗created        | ✗created
created.launching.starting     | ✗created      | ✗created        | ✗created
created.launching.restoring    | ✗created      | ✗created        | ✗created
created.undoing                | ✗created      | ✗created        | ✗created
running.steady                 | launch exec-2 | →checkpointing  | →deletingCheckpoint
running.steady, exec launching | launch exec-3 | →settling waits | →deletingCheckpoint
running.settling               | waits         | waits           | waits
running.pausing                | waits         | waits           | waits
running.checkpointing          | waits         | waits           | waits
running.deletingCheckpoint     | waits         | waits           | waits
paused.steady                  | ✗paused       | →checkpointing  | →deletingCheckpoint
paused.resuming                | waits         | waits           | waits
paused.thawing                 | waits         | waits           | waits
paused.killing                 | waits         | waits           | waits
paused.checkpointing           | waits         | waits           | waits
paused.deletingCheckpoint      | waits         | waits           | waits
checkpointed                   | ✗checkpointed | ✗checkpointed   | ✗checkpointed
exited.settling                | ✗exited       | ✗exited         | ✗exited
exited.deleting                | ✗exited       | ✗exited         | ✗exited
exited.draining                | ✗exited       | ✗exited         | ✗exited
`;

/** Signals and changes of terminals: to which process. */
export const SIGNALS = `
                                       | init TERM     | init KILL     | exec KILL     | stranger TERM | init size     | exec size
---------------------------------------|---------------|---------------|---------------|---------------|---------------|--------------
created.queued                         | ✗created      | ✗created      | ✗created      | ✗created      | ✗created      | ✗created
created.launching.starting             | ✗created      | ✗created      | ✗created      | ✗created      | ✗created      | ✗created
created.launching.restoring            | ✗created      | ✗created      | ✗created      | ✗created      | ✗created      | ✗created
created.undoing                        | ✗created      | ✗created      | ✗created      | ✗created      | ✗created      | ✗created
running.steady                         | init<15       | init<9        | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
running.steady, exec launching         | init<15       | init<9        | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
running.settling                       | init<15       | init<9        | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
running.pausing                        | init<15       | waits         | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
running.pausing, init ended            | ✗noProcess    | ✗noProcess    | exec-1<9      | ✗noProcess    | ✗noProcess    | exec-1<size
running.checkpointing                  | init<15       | init<9        | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
running.checkpointing, init ended      | ✗noProcess    | ✗noProcess    | exec-1<9      | ✗noProcess    | ✗noProcess    | exec-1<size
running.deletingCheckpoint             | init<15       | init<9        | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
running.deletingCheckpoint, init ended | ✗noProcess    | ✗noProcess    | exec-1<9      | ✗noProcess    | ✗noProcess    | exec-1<size
paused.steady                          | init<15       | →killing      | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
paused.resuming                        | init<15       | waits         | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
paused.resuming, init ended            | ✗noProcess    | ✗noProcess    | exec-1<9      | ✗noProcess    | ✗noProcess    | exec-1<size
paused.thawing                         | init<15       | waits         | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
paused.thawing, init ended             | ✗noProcess    | ✗noProcess    | exec-1<9      | ✗noProcess    | ✗noProcess    | exec-1<size
paused.killing                         | init<15       | init<9        | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
paused.killing, init ended             | ✗noProcess    | ✗noProcess    | exec-1<9      | ✗noProcess    | ✗noProcess    | exec-1<size
paused.checkpointing                   | init<15       | waits         | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
paused.checkpointing, init ended       | ✗noProcess    | ✗noProcess    | exec-1<9      | ✗noProcess    | ✗noProcess    | exec-1<size
paused.deletingCheckpoint              | init<15       | waits         | exec-1<9      | ✗noProcess    | init<size     | exec-1<size
paused.deletingCheckpoint, init ended  | ✗noProcess    | ✗noProcess    | exec-1<9      | ✗noProcess    | ✗noProcess    | exec-1<size
checkpointed                           | ✗checkpointed | ✗checkpointed | ✗checkpointed | ✗checkpointed | ✗checkpointed | ✗checkpointed
exited.settling                        | ✗exited       | ✗exited       | ✗exited       | ✗exited       | ✗exited       | ✗exited
exited.deleting                        | ✗exited       | ✗exited       | ✗exited       | ✗exited       | ✗exited       | ✗exited
exited.draining                        | ✗exited       | ✗exited       | ✗exited       | ✗exited       | ✗exited       | ✗exited
`;

/** What the daemon has to say: a slot is free, it ends, the kernel has killed something. */
export const DAEMON = `
                                       | slot                            | terminate               | oom  | oom, but none more
---------------------------------------|---------------------------------|-------------------------|------|--------------------
created.queued                         | launch init →launching.starting | create✗stopped →deleted | !oom | ·
created.launching.starting             | -                               | waits                   | !oom | ·
created.launching.restoring            | -                               | waits                   | !oom | ·
created.undoing                        | -                               | ·                       | !oom | ·
running.steady                         | -                               | init<15                 | !oom | ·
running.steady, exec launching         | -                               | init<15                 | !oom | ·
running.settling                       | -                               | init<15                 | !oom | ·
running.pausing                        | -                               | waits                   | !oom | ·
running.pausing, init ended            | -                               | waits                   | !oom | ·
running.checkpointing                  | -                               | init<15                 | !oom | ·
running.checkpointing, init ended      | -                               | ·                       | !oom | ·
running.deletingCheckpoint             | -                               | init<15                 | !oom | ·
running.deletingCheckpoint, init ended | -                               | ·                       | !oom | ·
paused.steady                          | -                               | →thawing waits          | !oom | ·
paused.resuming                        | -                               | waits                   | !oom | ·
paused.resuming, init ended            | -                               | waits                   | !oom | ·
paused.thawing                         | -                               | waits                   | !oom | ·
paused.thawing, init ended             | -                               | waits                   | !oom | ·
paused.killing                         | -                               | waits                   | !oom | ·
paused.killing, init ended             | -                               | waits                   | !oom | ·
paused.checkpointing                   | -                               | waits                   | !oom | ·
paused.checkpointing, init ended       | -                               | waits                   | !oom | ·
paused.deletingCheckpoint              | -                               | waits                   | !oom | ·
paused.deletingCheckpoint, init ended  | -                               | waits                   | !oom | ·
checkpointed                           | -                               | ·                       | !oom | ·
exited.settling                        | -                               | ·                       | !oom | ·
exited.deleting                        | -                               | ·                       | !oom | ·
exited.draining                        | -                               | ·                       | !oom | ·
`;

/** A client has gone away: the one that asked for the container, for the operation in flight, for what waits. */
export const CANCELS = `
                               | cancel create             | cancel op    | cancel waiting
-------------------------------|---------------------------|--------------|------------------
created.queued                 | create✗cancelled →deleted | ·            | ·
created.launching.starting     | ·                         | ·            | ·
created.launching.restoring    | ·                         | ·            | ·
created.undoing                | ·                         | ·            | ·
running.steady                 | ·                         | ·            | ·
running.steady, exec launching | ·                         | ·            | ·
running.settling               | ·                         | op✗cancelled | waiting✗cancelled
running.pausing                | ·                         | ·            | waiting✗cancelled
running.checkpointing          | ·                         | ·            | waiting✗cancelled
running.deletingCheckpoint     | ·                         | ·            | waiting✗cancelled
paused.steady                  | ·                         | ·            | ·
paused.resuming                | ·                         | ·            | waiting✗cancelled
paused.thawing                 | ·                         | ·            | waiting✗cancelled
paused.killing                 | ·                         | ·            | waiting✗cancelled
paused.checkpointing           | ·                         | ·            | waiting✗cancelled
paused.deletingCheckpoint      | ·                         | ·            | waiting✗cancelled
checkpointed                   | ·                         | ·            | ·
exited.settling                | ·                         | ·            | ·
exited.deleting                | ·                         | ·            | ·
exited.draining                | ·                         | ·            | ·
`;

/** The life of init. */
export const INIT = `
                                       | init runs                              | init fails    | init ends
---------------------------------------|----------------------------------------|---------------|------------------------------------------
created.queued                         | -                                      | -             | stray
created.launching.starting             | !start create✓100 slot →running.steady | slot →undoing | ·
created.launching.restoring            | !start create✓100 slot →running.steady | slot →undoing | ·
created.undoing                        | -                                      | -             | stray
running.steady                         | -                                      | -             | →exited.deleting
running.steady, exec launching         | -                                      | -             | →exited.settling
running.settling                       | -                                      | -             | op✗exited waiting✗exited →exited.settling
running.pausing                        | -                                      | -             | waits first
running.pausing, init ended            | -                                      | -             | ·
running.checkpointing                  | -                                      | -             | waits first
running.checkpointing, init ended      | -                                      | -             | ·
running.deletingCheckpoint             | -                                      | -             | waits first
running.deletingCheckpoint, init ended | -                                      | -             | ·
paused.steady                          | -                                      | -             | →exited.deleting
paused.resuming                        | -                                      | -             | waits first
paused.resuming, init ended            | -                                      | -             | ·
paused.thawing                         | -                                      | -             | waits first
paused.thawing, init ended             | -                                      | -             | ·
paused.killing                         | -                                      | -             | waits first
paused.killing, init ended             | -                                      | -             | ·
paused.checkpointing                   | -                                      | -             | waits first
paused.checkpointing, init ended       | -                                      | -             | ·
paused.deletingCheckpoint              | -                                      | -             | waits first
paused.deletingCheckpoint, init ended  | -                                      | -             | ·
checkpointed                           | -                                      | -             | →exited.deleting
exited.settling                        | -                                      | -             | ·
exited.deleting                        | -                                      | -             | ·
exited.draining                        | -                                      | -             | ·
`;

/** The life of the others: `exec-2` while it is launched, `exec-1` while it runs, one that nobody knows. */
export const EXECS = `
                               | exec runs                            | exec fails                 | exec ends                   | stranger ends
-------------------------------|--------------------------------------|----------------------------|-----------------------------|--------------
created.queued                 | -                                    | -                          | stray                       | stray
created.launching.starting     | -                                    | -                          | stray                       | stray
created.launching.restoring    | -                                    | -                          | stray                       | stray
created.undoing                | -                                    | -                          | stray                       | stray
running.steady                 | -                                    | -                          | !exit exec-1                | stray
running.steady, exec launching | !exec exec-2 launching✓102           | launching✗broken           | !exit exec-1                | stray
running.settling               | !exec exec-2 launching✓102 →pausing  | launching✗broken →pausing  | !exit exec-1                | stray
running.pausing                | -                                    | -                          | !exit exec-1                | stray
running.checkpointing          | -                                    | -                          | !exit exec-1                | stray
running.deletingCheckpoint     | -                                    | -                          | !exit exec-1                | stray
paused.steady                  | -                                    | -                          | !exit exec-1                | stray
paused.resuming                | -                                    | -                          | !exit exec-1                | stray
paused.thawing                 | -                                    | -                          | !exit exec-1                | stray
paused.killing                 | -                                    | -                          | !exit exec-1                | stray
paused.checkpointing           | -                                    | -                          | !exit exec-1                | stray
paused.deletingCheckpoint      | -                                    | -                          | !exit exec-1                | stray
checkpointed                   | -                                    | -                          | !exit exec-1                | stray
exited.settling                | !exec exec-2 launching✓102 →deleting | launching✗broken →deleting | !exit exec-1                | stray
exited.deleting                | -                                    | -                          | !exit exec-1                | stray
exited.draining                | -                                    | -                          | !exit exec-1 !exit →deleted | stray
`;

/** What is done for a container, by the state that has it done, and what comes of its end. */
export const EFFECTS = `
                                           | effect           | done                                               | fails
-------------------------------------------|------------------|----------------------------------------------------|------------------------------------------
created.undoing                            | delete           | create✗broken →deleted                             | report create✗broken →deleted
running.pausing                            | pause            | !pause op✓ waiting✗paused →paused.steady           | op✗broken launch exec-2 →steady
running.pausing, init ended                | pause            | !pause op✓ waiting✗exited →exited.deleting         | op✗broken waiting✗exited →exited.deleting
running.checkpointing                      | checkpoint       | !checkpoint op✓ launch exec-2 →steady              | op✗broken launch exec-2 →steady
running.checkpointing, init ended          | checkpoint       | !checkpoint op✓ waiting✗exited →exited.deleting    | op✗broken waiting✗exited →exited.deleting
running.checkpointing, to exit             | checkpoint       | !checkpoint op✓ waiting✗checkpointed →checkpointed | op✗broken launch exec-2 →steady
running.checkpointing, to exit, init ended | checkpoint       | !checkpoint op✓ waiting✗exited →exited.deleting    | op✗broken waiting✗exited →exited.deleting
running.deletingCheckpoint                 | deleteCheckpoint | op✓ launch exec-2 →steady                          | op✗broken launch exec-2 →steady
running.deletingCheckpoint, init ended     | deleteCheckpoint | op✓ waiting✗exited →exited.deleting                | op✗broken waiting✗exited →exited.deleting
paused.resuming                            | resume           | !resume op✓ launch exec-2 →running.steady          | op✗broken waiting✗paused →steady
paused.resuming, init ended                | resume           | !resume op✓ waiting✗exited →exited.deleting        | op✗broken waiting✗exited →exited.deleting
paused.thawing                             | resume           | !resume init<15 launch exec-2 →running.steady      | report waiting✗paused init<15 →steady
paused.thawing, init ended                 | resume           | !resume waiting✗exited →exited.deleting            | waiting✗exited →exited.deleting
paused.killing                             | killFrozen       | op✓ launch exec-2 →running.steady                  | op✗broken waiting✗paused →steady
paused.killing, init ended                 | killFrozen       | op✓ waiting✗exited →exited.deleting                | op✓ waiting✗exited →exited.deleting
paused.checkpointing                       | checkpoint       | !checkpoint op✓ waiting✗paused →steady             | op✗broken waiting✗paused →steady
paused.checkpointing, init ended           | checkpoint       | !checkpoint op✓ waiting✗exited →exited.deleting    | op✗broken waiting✗exited →exited.deleting
paused.checkpointing, to exit              | checkpoint       | !checkpoint op✓ waiting✗checkpointed →checkpointed | op✗broken waiting✗paused →steady
paused.checkpointing, to exit, init ended  | checkpoint       | !checkpoint op✓ waiting✗exited →exited.deleting    | op✗broken waiting✗exited →exited.deleting
paused.deletingCheckpoint                  | deleteCheckpoint | op✓ waiting✗paused →steady                         | op✗broken waiting✗paused →steady
paused.deletingCheckpoint, init ended      | deleteCheckpoint | op✓ waiting✗exited →exited.deleting                | op✗broken waiting✗exited →exited.deleting
exited.deleting                            | delete           | →draining                                          | report →draining
`;
