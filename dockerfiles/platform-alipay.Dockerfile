# Prepares and delivers Alipay mini-programs: the vendor's tool, its builder where it can be had, and our driver for them.
# The build context is the root of the repository.
FROM node:24-bookworm-slim

WORKDIR /worker/alipay
COPY workers/alipay/package.json workers/alipay/package-lock.json ./

# The registry to install from, and certificates (PEM) of a gateway in between; the image's files keep neither.
ARG NPM_REGISTRY=
ARG EXTRA_CA=
# No package needs its install script: minidev's only fetches a remote debugger. What only people read goes, licences stay.
# One quick retry: a registry that cannot be reached must not cost a minute.
RUN set -eu; export MINIDEV_SKIP_DOWNLOAD_ASSETS=1 HOME=/tmp/home; \
    if [ -n "$EXTRA_CA" ]; then printf '%s\n' "$EXTRA_CA" > /tmp/ca.pem; export NODE_EXTRA_CA_CERTS=/tmp/ca.pem; fi; \
    npm ci --ignore-scripts --omit=dev --cache /tmp/npm --no-audit --no-fund --no-update-notifier --loglevel=error \
        --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000 \
        ${NPM_REGISTRY:+--registry="$NPM_REGISTRY"}; \
    find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.md' \) \
        ! -iname 'licen[cs]e*' ! -iname 'notice*' ! -iname 'copying*' -delete; \
    find node_modules -regextype posix-extended -type d \
        -regex '(.*/)?node_modules/(@[^/]+/)?[^@/][^/]*/(tests?|__tests__|docs|examples?)' -prune -exec rm -rf {} +; \
    mkdir -p "$HOME"; node -e 'require("minidev")'; \
    rm -rf /tmp/npm /tmp/ca.pem /tmp/home

RUN install -d -o node -g node /work
COPY workers/lib /worker/lib
COPY workers/alipay /worker/alipay

# The vendor's closed builder, which only previews need; without it the build goes on and says so.
ENV MINIDEV_COMPILEDIR=/opt/minidev
RUN set -eu; export NODE_USE_ENV_PROXY=1 HOME=/tmp; \
    if [ -n "$EXTRA_CA" ]; then printf '%s\n' "$EXTRA_CA" > /tmp/ca.pem; export NODE_EXTRA_CA_CERTS=/tmp/ca.pem; fi; \
    node /worker/alipay/bake.mjs "$MINIDEV_COMPILEDIR"; \
    rm -rf /tmp/ca.pem

USER node
WORKDIR /work
ENTRYPOINT []
CMD ["node", "/worker/alipay/driver.mjs"]
