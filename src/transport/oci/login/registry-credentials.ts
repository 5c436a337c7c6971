// What logs somebody in to a registry.

export type RegistryCredentials =
  | { readonly kind: 'pair'; readonly user: string; readonly password: string }
  /** For the service of tokens. */
  | { readonly kind: 'identity-token'; readonly token: string }
  /** For the registry itself. */
  | { readonly kind: 'registry-token'; readonly token: string };
