import { listUsers, onStopSignal, run, startDevelopmentEmulator } from './developmentEmulator';

/** `npm run emulator`: the emulator alone, for a server that one starts oneself. */
run(async () => {
  const { emulator, authorityFile } = await startDevelopmentEmulator();
  onStopSignal(() => void emulator.stop());
  const settings = Object.entries({ ...emulator.settings(), NODE_EXTRA_CA_CERTS: authorityFile });
  process.stdout.write(`
Emulator of Entra ID, Microsoft Graph and ACS Identity on ${emulator.url}

Users
${listUsers(emulator)}

Settings of a server that uses it. All but the last are in .env.sample; Node reads the last one
before it reads any file, so it must stand in the environment.
${settings.map(([name, value]) => `  ${name}=${value}`).join('\n')}

An access token to paste    npm run -s token -- --user alice
What else it can do         curl -s --cacert ${authorityFile} ${emulator.url}/_emulator/
Ctrl-C stops it.
`);
});
