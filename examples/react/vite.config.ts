import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The service, whose endpoint stands beside the page: no other origin, and cookies would be the page's own.
const service = process.env.CROWSFOOT ?? 'http://127.0.0.1:8000';
const proxy = { '/graphql': { target: service, ws: true } };

export default defineConfig({ plugins: [react()], server: { proxy }, preview: { proxy } });
