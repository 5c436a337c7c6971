// Which packages lie together.

/** In one build cache: files of the layouts 0 to 2, or of 3; in a registry images, whatever the layout of their tars. */
export type KnownLayouts = '0-2' | '3' | 'oci';
