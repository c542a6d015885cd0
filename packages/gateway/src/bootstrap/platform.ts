/** What is known of the system that the gateway runs on: said once at start where something is missing there. */

const WINDOWS =
  'Windows is served by code path and not tested: servers over stdio and HTTP, both front doors and the state folder ' +
  'are there; programs that a server starts itself may outlive it, and after a hard kill of the gateway its servers ' +
  'end when they notice that their stdin is closed';

/** One sentence; undefined where everything is there, or as on macOS by code path the same. */
export const platformNote = (platform: NodeJS.Platform): string | undefined =>
  platform === 'win32' ? WINDOWS : undefined;
