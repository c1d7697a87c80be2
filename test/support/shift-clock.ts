/**
 * Loaded into a process (`--import`), it makes its wall clock jump by TEST_CLOCK_SHIFT_MS when SIGUSR2 arrives, and back when
 * it arrives again, as if somebody had set the machine's clock. The monotonic clock goes on, as it does there.
 */
const shiftMs = Number(process.env['TEST_CLOCK_SHIFT_MS'] ?? 0);
const MachineDate = Date;
let isShifted = false;

process.on('SIGUSR2', () => {
  isShifted = !isShifted;
});

const now = (): number => MachineDate.now() + (isShifted ? shiftMs : 0);

globalThis.Date = new Proxy(MachineDate, {
  construct: (target, args: []) => (args.length === 0 ? new target(now()) : new target(...args)),
  get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
});
