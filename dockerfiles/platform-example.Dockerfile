# The example platform, to copy for one of your own. It has no vendor's tool, so nothing is installed; with a package.json and its
# lockfile, do as platform-wechat.Dockerfile does. The build context is the root of the repository.
FROM node:24-bookworm-slim

RUN install -d -o node -g node /work
COPY workers/lib /worker/lib
COPY workers/example /worker/example

USER node
WORKDIR /work
ENTRYPOINT []
CMD ["node", "/worker/example/driver.mjs"]
