import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  // The redirect URI of this port is registered with the emulator, as of any other port of localhost.
  server: { port: 5180, strictPort: true },
  build: {
    target: 'es2022',
    // A second page, which sign-ins return to.
    rolldownOptions: { input: ['index.html', 'redirect.html'] },
  },
});
