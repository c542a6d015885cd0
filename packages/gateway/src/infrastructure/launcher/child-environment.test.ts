import { Secret } from '@mcp-hangar/kernel/secret';
import { describe, expect, test } from 'vitest';
import { childEnvironment } from './child-environment.ts';

const ALLOWED = {
  HOME: '/home/me',
  LOGNAME: 'me',
  USER: 'me',
  SHELL: '/bin/zsh',
  TERM: 'xterm',
  PATH: '/usr/bin:/bin',
  LANG: 'C.UTF-8',
  LC_ALL: 'C',
  LC_TIME: 'C',
  TZ: 'UTC',
  TMPDIR: '/tmp',
  TMP: '/tmp',
  TEMP: '/tmp',
  XDG_CONFIG_HOME: '/home/me/.config',
  SSL_CERT_FILE: '/etc/cert.pem',
  SSL_CERT_DIR: '/etc/certs',
  NODE_EXTRA_CA_CERTS: '/etc/ca.pem',
};

const CANARIES = {
  AWS_SECRET_ACCESS_KEY: 'canary',
  GITHUB_TOKEN: 'canary',
  MCP_CONFIG: 'canary',
  MCP_TRANSPORT: 'canary',
  NODE_OPTIONS: '--require=canary',
  LD_PRELOAD: 'canary',
  npm_config__auth: 'canary',
  HTTP_PROXY: 'http://user:canary@proxy',
  SSH_AUTH_SOCK: 'canary',
  PATHEXT: 'canary',
  Path: 'canary',
  LC: 'canary',
};

describe('the environment of a child', () => {
  test('is the allow-listed part of ours, and says which transport it is for', () => {
    expect(childEnvironment({ ...ALLOWED, ...CANARIES }, {}, 'linux')).toEqual({
      ...ALLOWED,
      MCP_TRANSPORT: 'stdio',
    });
  });

  test('has the values of the server on top', () => {
    const env = { TOKEN: new Secret('t'), PATH: new Secret('/opt'), EMPTY: new Secret('') };
    expect(childEnvironment({ PATH: '/bin', USER: undefined }, env, 'linux')).toEqual({
      PATH: '/opt',
      TOKEN: 't',
      EMPTY: '',
      MCP_TRANSPORT: 'stdio',
    });
  });

  test('has no exported shell function', () => {
    const env = childEnvironment({ LC_TRICK: '() { :; }; echo pwned' }, {}, 'linux');
    expect(env).toEqual({ MCP_TRANSPORT: 'stdio' });
  });

  test('on Windows compares names without case and keeps what programs there need', () => {
    const parent = {
      Path: 'C:\\bin',
      SystemRoot: 'C:\\Windows',
      PATHEXT: '.EXE',
      SECRET: 'canary',
    };
    expect(childEnvironment(parent, { PATH: new Secret('D:\\bin') }, 'win32')).toEqual({
      PATH: 'D:\\bin',
      SystemRoot: 'C:\\Windows',
      PATHEXT: '.EXE',
      MCP_TRANSPORT: 'stdio',
    });
  });
});
