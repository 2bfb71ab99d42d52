# Prepares and delivers ByteDance (Douyin, Toutiao) mini-programs: the vendor's library and our driver for it.
# The build context is the root of the repository.
FROM node:24-bookworm-slim

WORKDIR /worker/bytedance
COPY workers/bytedance/package.json workers/bytedance/package-lock.json ./

# The registry to install from, and certificates (PEM) of a gateway in between; the image's files keep neither.
ARG NPM_REGISTRY=
ARG EXTRA_CA=
# No package has an install script that is needed. What only people read goes, licences stay. Loading the library once proves it
# whole; without the variable that alone would report to the vendor.
# One quick retry: a registry that cannot be reached must not cost a minute.
RUN set -eu; \
    if [ -n "$EXTRA_CA" ]; then printf '%s\n' "$EXTRA_CA" > /tmp/ca.pem; export NODE_EXTRA_CA_CERTS=/tmp/ca.pem; fi; \
    npm ci --ignore-scripts --omit=dev --cache /tmp/npm --no-audit --no-fund --no-update-notifier --loglevel=error \
        --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000 \
        ${NPM_REGISTRY:+--registry="$NPM_REGISTRY"}; \
    find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.md' \) \
        ! -iname 'licen[cs]e*' ! -iname 'notice*' ! -iname 'copying*' -delete; \
    find node_modules -regextype posix-extended -type d \
        -regex '(.*/)?node_modules/(@[^/]+/)?[^@/][^/]*/(tests?|__tests__|docs|examples?)' -prune -exec rm -rf {} +; \
    ALLOW_REPORT_EVENT=no node -e 'require("tt-ide-cli"); require("qrcode")'; \
    rm -rf /tmp/npm /tmp/ca.pem

RUN install -d -o node -g node /work
COPY workers/lib /worker/lib
COPY workers/bytedance /worker/bytedance

USER node
WORKDIR /work
ENTRYPOINT []
CMD ["node", "/worker/bytedance/driver.mjs"]
