// Paths as Python's `posixpath` treats them, where its answers end up in files: on latin1 strings, without a file system.

/** Python's `normpath`: no `.`, no empty component, `..` taken back; exactly two leading slashes stay two. */
export function normalizePath(path: string): string {
  const root = /^\/*/.exec(path)?.[0].length ?? 0;
  const slashes = root === 2 ? '//' : root > 0 ? '/' : '';
  const components: string[] = [];
  for (const component of path.split('/')) {
    if (component === '' || component === '.') continue;
    if (component !== '..') components.push(component);
    else if (components.length > 0 && components.at(-1) !== '..') components.pop();
    else if (slashes === '') components.push(component);
  }
  return slashes + components.join('/') || '.';
}

/** Python's `join` of two paths: an absolute second one stands alone. */
export function joinPath(first: string, second: string): string {
  if (second.startsWith('/')) return second;
  return first === '' || first.endsWith('/') ? first + second : `${first}/${second}`;
}

/** Python's `relpath` of two absolute paths. */
export function relativePath(path: string, start: string): string {
  const to = components(path);
  const from = components(start);
  let shared = 0;
  while (shared < Math.min(to.length, from.length) && to[shared] === from[shared]) shared++;
  return [...from.slice(shared).map(() => '..'), ...to.slice(shared)].join('/') || '.';
}

function components(path: string): readonly string[] {
  return normalizePath(path)
    .split('/')
    .filter((component) => component !== '');
}
