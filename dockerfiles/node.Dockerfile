# The build image with another major version of Node.js, and the npm and pnpm that run on it. Node.js itself comes from npm
# packages: an npm registry is all that this needs. Nothing is copied from the build context.
# FROM is the default build image, sampan/build-node24 of the same version of Sampan.
ARG FROM
FROM ${FROM}

USER root
ARG NODE=16
# The registry to install from, and certificates (PEM) of a gateway in between; the image's files keep neither.
ARG NPM_REGISTRY=
ARG EXTRA_CA=
# What the default image brings runs on 20, 22 and later. The line "error: …" is for whoever asked for this image.
# One quick retry: a registry that cannot be reached must not cost a minute.
RUN set -eu; \
    fail() { echo "error: $*" >&2; exit 1; }; \
    case $NODE in \
        14) tools='npm@6 pnpm@7' ;; \
        16) tools='npm@8 pnpm@8' ;; \
        18) tools='npm@10' ;; \
        20 | 2[2-9] | [3-9][0-9]) tools= ;; \
        *) fail "Node.js $NODE cannot be added: choose 14, 16, 18, 20, 22 or a later major version" ;; \
    esac; \
    if [ -n "$EXTRA_CA" ]; then printf '%s\n' "$EXTRA_CA" > /tmp/ca.pem; export NODE_EXTRA_CA_CERTS=/tmp/ca.pem; fi; \
    export HOME=/tmp/home; \
    install() { \
        packages=$1; \
        shift; \
        if ! npm install "$@" --cache /tmp/npm --no-audit --no-fund --no-update-notifier --ignore-scripts --loglevel=error \
            --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=2000 --fetch-timeout=60000 \
            ${NPM_REGISTRY:+--registry="$NPM_REGISTRY"} $packages 2> /tmp/errors; then \
            cat /tmp/errors >&2; \
            ! grep -qE 'code (ETARGET|E404)$' /tmp/errors || \
                fail "Node.js $NODE cannot be added: the npm registry does not have $packages"; \
            fail "Node.js $NODE cannot be added: npm could not install $packages"; \
        fi; \
    }; \
    package=node-linux-$(node -p process.arch); \
    install "$package@$NODE" --prefix /tmp/node --no-save; \
    [ -z "$tools" ] || install "$tools" --global; \
    rm -rf /usr/local/include/node /usr/local/share/doc/node /usr/local/share/man/man1/node.1 /usr/local/*.md; \
    mv -f "/tmp/node/node_modules/$package/LICENSE" /usr/local/LICENSE; \
    mv -f "/tmp/node/node_modules/$package/bin/node" /usr/local/bin/node; \
    for tool in node npm npx pnpm yarn; do \
        version=$("$tool" --version) || fail "Node.js $NODE cannot be added: $tool does not run"; \
        echo "$tool $version"; \
    done; \
    node --version | grep -q "^v$NODE\."; \
    rm -rf /tmp/*

# Public base images name theirs here.
ENV NODE_VERSION=${NODE}
USER node
