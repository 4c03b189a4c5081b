# Image of the service: `docker build -t crowsfoot .`
#
# The first stage needs npm for GraphiQL. The second has the program, its C library and certificates, and no shell.
FROM rust:1.95-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends nodejs npm \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p crowsfoot-cli \
 && strip target/release/crowsfoot \
 && mkdir /state

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/crowsfoot /usr/bin/crowsfoot
# SQLite's file, if there is one, is in the current folder.
COPY --from=build --chown=nonroot:nonroot /state /var/lib/crowsfoot
WORKDIR /var/lib/crowsfoot
USER nonroot
ENV CROWSFOOT_LISTEN=0.0.0.0:8000 CROWSFOOT_LOG_FORMAT=json
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["/usr/bin/crowsfoot", "health"]
ENTRYPOINT ["/usr/bin/crowsfoot"]
CMD ["serve"]
