// The environment variables that a command runs with, so that tests can pass others.

export type Environment = Readonly<Record<string, string | undefined>>;
