// Where this package lies. Modules and the bundles made of them are equally deep below it, in folders of folders of `dist`.

/** URL of the folder that has `package.json`. */
export const PACKAGE_FOLDER = new URL('../../../', import.meta.url);
