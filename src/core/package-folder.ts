// The folder of this package. Modules and the bundles made from them are at the same depth below it: two folders below `dist`.

/** URL of the folder that contains `package.json`. */
export const PACKAGE_FOLDER = new URL('../../../', import.meta.url);
