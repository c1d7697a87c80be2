// A lock that ends with its holder, without anyone's help: a symbolic link whose target names the holding process. Making
// a link is atomic and carries its content, so there is never a lock without an owner to read. Plain JavaScript, because
// bootstrap.mjs uses it before anything is installed; typed for others in pid-lock.d.mts.
import { readFileSync, readlinkSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';

/** When a process started, where the system tells it: a process id alone is soon given to another process. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Field 22 of proc(5), counted after the command, which may itself hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '';
  }
}

function isRunning(owner) {
  const [pid, start] = owner.split('.');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return start === startOf(pid);
}

function read(path) {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

export function tryLock(path) {
  const me = `${process.pid}.${startOf(process.pid)}`;
  let tookOver = false;
  for (;;) {
    try {
      symlinkSync(me, path);
      return { locked: true, tookOver, release: () => read(path) === me && unlinkSync(path) };
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = read(path);
    if (owner === undefined) continue;
    if (isRunning(owner)) return { locked: false, pid: Number(owner.split('.')[0]) };
    tookOver = removeStale(path, owner) || tookOver;
  }
}

/** Moves the lock aside before removing it, so that of several who found it stale nobody removes the new lock of another. */
function removeStale(path, owner) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
  if (readlinkSync(aside) !== owner) {
    renameSync(aside, path);
    return false;
  }
  unlinkSync(aside);
  return true;
}
