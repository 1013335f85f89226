# Two images from one tree: `oms` is what production runs, without stand-ins; `simulators` has the payment gateway and the carrier of `oms dev`.
FROM rust:1.95-bookworm AS source
WORKDIR /src
COPY . .
# Part of the build id by which orders find the workers that began them.
ARG COMMIT=""
ENV OMS_COMMIT=$COMMIT

FROM source AS build-oms
RUN cargo build --locked --release -p oms --no-default-features --features export

FROM source AS build-simulators
RUN cargo build --locked --release -p oms

FROM debian:bookworm-slim AS runtime
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 oms
USER oms
ENV OMS_LOG_FORMAT=json
ENTRYPOINT ["oms"]

FROM runtime AS simulators
COPY --from=build-simulators /src/target/release/oms /usr/local/bin/oms
CMD ["simulators", "--gateway-addr", "0.0.0.0:18081", "--carrier-addr", "0.0.0.0:18082"]

FROM runtime AS oms
COPY --from=build-oms /src/target/release/oms /usr/local/bin/oms
CMD ["--help"]
