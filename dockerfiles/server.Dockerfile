# The server: the binary that `make build` made on this machine, and the libraries it is linked with.
# The build context is a folder that holds the binary alone; scripts/images.sh makes it.
FROM debian:bookworm-slim

RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/cache/ldconfig

# A new volume takes its owner and its mode from the folder it is mounted on.
RUN groupadd --gid 1000 sampan \
    && useradd --uid 1000 --gid sampan --home-dir /var/lib/sampan --shell /usr/sbin/nologin sampan \
    && install -d -o sampan -g sampan -m 0700 /var/lib/sampan

COPY sampan /usr/local/bin/sampan
ARG VERSION
# A binary of another version, or one that wants newer libraries than this Debian's, ends the build here.
RUN sampan --version; sampan --version | grep -qFx "sampan ${VERSION}"

LABEL org.opencontainers.image.title="Sampan" \
      org.opencontainers.image.description="Ships mini-programs: one click turns a branch into a build a tester can scan" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"

ENV SAMPAN_LISTEN=0.0.0.0:8088 SAMPAN_DATA_DIR=/var/lib/sampan
# By number: Kubernetes cannot tell from a name that it is not root.
USER 1000:1000
VOLUME /var/lib/sampan
EXPOSE 8088
ENTRYPOINT ["sampan"]
CMD ["serve"]
