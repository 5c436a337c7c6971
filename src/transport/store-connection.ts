// How to log in to a place, as a mirror's configuration says it: values, or the names of variables that hold them.

export interface StoreConnection {
  readonly accessPair?: AccessPair | undefined;
  readonly accessToken?: string | undefined;
  readonly accessTokenVariable?: string | undefined;
  /** A profile of the shared files of AWS. */
  readonly profile?: string | undefined;
  readonly endpointUrl?: string | undefined;
  /** PEM files: authorities to trust, and what to show to a server that asks who is there. */
  readonly caFile?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: string | undefined;
}

export interface AccessPair {
  readonly id?: string | undefined;
  readonly idVariable?: string | undefined;
  readonly secret?: string | undefined;
  readonly secretVariable?: string | undefined;
}
