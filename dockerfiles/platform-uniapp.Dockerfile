# Packs compiled uni-app apps into update.wgt. The compiler is the project's own, in the build image: here is only what makes the archive.
# The build context is the root of the repository.
FROM node:24-bookworm-slim

WORKDIR /worker/uniapp
COPY workers/uniapp/package.json workers/uniapp/package-lock.json ./

# The registry to install from, and certificates (PEM) of a gateway in between; the image's files keep neither.
ARG NPM_REGISTRY=
ARG EXTRA_CA=
# One quick retry: a registry that cannot be reached must not cost a minute.
RUN set -eu; \
    if [ -n "$EXTRA_CA" ]; then printf '%s\n' "$EXTRA_CA" > /tmp/ca.pem; export NODE_EXTRA_CA_CERTS=/tmp/ca.pem; fi; \
    npm ci --ignore-scripts --omit=dev --cache /tmp/npm --no-audit --no-fund --no-update-notifier --loglevel=error \
        --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000 \
        ${NPM_REGISTRY:+--registry="$NPM_REGISTRY"}; \
    node -e 'require("fflate")'; \
    rm -rf /tmp/npm /tmp/ca.pem

RUN install -d -o node -g node /work
COPY workers/lib /worker/lib
COPY workers/uniapp /worker/uniapp

USER node
WORKDIR /work
ENTRYPOINT []
CMD ["node", "/worker/uniapp/driver.mjs"]
