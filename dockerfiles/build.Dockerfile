# Where programs are installed and compiled: Node, git and the three package managers, nothing of Sampan.
# Compilers for native modules are left out: front-end projects rarely need them, and they are large.
FROM node:24-bookworm-slim

# node.Dockerfile builds on this one: Node.js 26 is linked with libatomic1.
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends ca-certificates git libatomic1 \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/cache/ldconfig

# The registry to install from, and certificates (PEM) of a gateway in between; the image's files keep neither.
ARG NPM_REGISTRY=
ARG EXTRA_CA=
# Node's own images bring an older yarn, which npm would refuse to replace, and corepack, which asks hosts that may be out
# of reach: the versions of package managers that projects want come from the npm registry.
# One quick retry: a registry that cannot be reached must not cost a minute.
RUN set -eu; \
    if [ -n "$EXTRA_CA" ]; then printf '%s\n' "$EXTRA_CA" > /tmp/ca.pem; export NODE_EXTRA_CA_CERTS=/tmp/ca.pem; fi; \
    rm -rf /opt/yarn-* /usr/local/bin/yarn /usr/local/bin/yarnpkg /usr/local/bin/corepack /usr/local/lib/node_modules/corepack; \
    npm install --global --cache /tmp/npm --no-audit --no-fund --no-update-notifier --ignore-scripts \
        --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000 \
        ${NPM_REGISTRY:+--registry="$NPM_REGISTRY"} pnpm@10.34.9 yarn@1.22.22; \
    pnpm --version; \
    yarn --version; \
    rm -rf /tmp/*

# An advert for a newer npm has no place in a build's log.
ENV NPM_CONFIG_UPDATE_NOTIFIER=false
# A new volume takes its owner from the folder it is mounted on: /cache is for the package managers' caches.
RUN install -d -o node -g node /work /cache
USER node
WORKDIR /work
ENTRYPOINT []
CMD ["bash"]
