// Runs something as a user who may do nothing special: root may read and write whatever the modes say.

const NOBODY = 65534;

/** For an ordinary user just a call. */
export async function withoutRights(action: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return action();
  process.setegid?.(NOBODY);
  process.seteuid?.(NOBODY);
  try {
    await action();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
