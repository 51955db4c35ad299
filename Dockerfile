# syntax=docker/dockerfile:1
# Pin both base images by digest in your own registry; the tag keeps this file readable.
FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json openapi.yaml LICENSE.md ./
COPY docs/errors.md docs/
COPY scripts scripts
COPY src src
RUN npm run package

FROM node:22-bookworm-slim
ENV NODE_ENV=production PORT=8080
WORKDIR /app
# Owned by root: the server cannot change its own files.
COPY --from=build /build/build/package ./
USER node
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself receives SIGTERM and shuts down, with `docker run --init` and without.
CMD ["node", "dist/server.js"]
