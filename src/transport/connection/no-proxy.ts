// Which servers are reached without the proxy: NO_PROXY, as curl reads it: names with all below them, ports, addresses, networks, `*`.
import { BlockList, isIP } from 'node:net';

type Rule = (server: Server) => boolean;

interface Server {
  readonly host: string;
  readonly port: string;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** Returns a function that says whether a URL is reached directly. */
export function parseNoProxy(value: string): (url: URL) => boolean {
  const rules = value
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(parseRule);
  return ({ hostname, port, protocol }) => {
    const host = hostname
      .toLowerCase()
      .replace(/^\[|\]$/g, '')
      .replace(/\.$/, '');
    return rules.some((rule) => rule({ host, port: port || (DEFAULT_PORTS[protocol] ?? '') }));
  };
}

function parseRule(entry: string): Rule {
  if (entry === '*') return () => true;
  const network = /^\[?([^\]/]+)\]?\/(\d{1,3})$/.exec(entry);
  if (network !== null) return networkRule(network[1] ?? '', Number(network[2]));
  const [, quoted, bare, port] = /^(?:\[(.+)\]|([^:]*|.*:.*:.*?))(?::(\d+))?$/.exec(entry) ?? [];
  const name = (quoted ?? bare ?? entry)
    .toLowerCase()
    .replace(/^\*?\./, '')
    .replace(/\.$/, '');
  const hasPort = port === undefined ? () => true : (server: Server) => server.port === port;
  if (isIP(name) !== 0) return addressRule(name, hasPort);
  return (server) => hasPort(server) && (server.host === name || server.host.endsWith(`.${name}`));
}

function addressRule(address: string, hasPort: Rule): Rule {
  const list = new BlockList();
  list.addAddress(address, family(address));
  return (server) => hasPort(server) && isIn(list, server.host);
}

function networkRule(address: string, prefix: number): Rule {
  const list = new BlockList();
  if (isIP(address) === 0 || prefix > (isIP(address) === 4 ? 32 : 128)) return () => false;
  list.addSubnet(address, prefix, family(address));
  return ({ host }) => isIn(list, host);
}

function isIn(list: BlockList, host: string): boolean {
  return isIP(host) !== 0 && list.check(host, family(host));
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
