import { fileURLToPath, URL } from 'node:url'
import vue from '@vitejs/plugin-vue'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

// `lucy spa` answers /config.json itself; the development server stands in for it here.
const developmentConfig: Plugin = {
  name: 'lucy-config',
  configureServer(server) {
    server.middlewares.use('/config.json', (_request, response) => {
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify({ apiUrl: process.env.LUCY_API_URL ?? 'http://127.0.0.1:8000' }))
    })
  },
}

export default defineConfig({
  plugins: [vue(), developmentConfig],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  // Fonts stay files, so that a strict content security policy needs no `data:`, and only the subsets on screen are loaded.
  build: { target: 'es2022', assetsInlineLimit: 0, sourcemap: false },
  server: { port: 8080 },
  define: { __VUE_OPTIONS_API__: false, __VUE_I18N_LEGACY_API__: false, __INTLIFY_PROD_DEVTOOLS__: false },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'] },
})
