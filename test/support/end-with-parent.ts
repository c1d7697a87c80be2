/**
 * Ends this process as SIGKILL would as soon as the process that started it is gone, however it went: what a test starts
 * does not outlive it. Loaded with `--import` into a process that has an IPC channel to its parent.
 */
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// The channel alone must not keep a process open that has nothing left to do.
process.channel?.unref();
