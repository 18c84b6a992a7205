# The server in an image: SQLite or PostgreSQL, not root, health checked. See docs/docker.md.

FROM python:3.13-slim-bookworm AS build

# A C compiler for five small modules; they stay behind in this stage with it.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /src
COPY requirements/constraints.txt requirements/
COPY packages packages

ENV TWAPNATIVE=required PIP_CONSTRAINT=/src/requirements/constraints.txt
RUN python -m venv /opt/twap \
    && /opt/twap/bin/pip install --no-cache-dir \
        ./packages/twap-models \
        "./packages/twap-server[cluster,fast,oidc,postgresql]" \
        "./packages/twap-client[cli]"


FROM python:3.13-slim-bookworm

RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/twap --shell /usr/sbin/nologin twap \
    && install --directory --owner=twap --mode=0700 /var/lib/twap

COPY --from=build /opt/twap /opt/twap

# Nothing secret: signing key and passwords are made at the first start, or come from outside.
ENV PATH=/opt/twap/bin:$PATH \
    HOME=/var/lib/twap \
    PYTHONUNBUFFERED=1 \
    TWAP_HOST=0.0.0.0 \
    TWAP_DATABASE=sqlite:////var/lib/twap/twap.sqlite3 \
    TWAP_LOG_FORMAT=json \
    TWAP_API__REGISTRATION=invite

USER 10001
WORKDIR /var/lib/twap
VOLUME ["/var/lib/twap"]
EXPOSE 8000
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/ready', timeout=4)"]

ENTRYPOINT ["twap-server"]
CMD ["start"]
