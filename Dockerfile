# The front-end libraries, by lock file.
FROM node:22-slim AS assets
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund
COPY .ci/vendor .ci/
RUN .ci/vendor vendor

# The program and its locked dependencies, in a virtual environment.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/geoworks
ENV PATH=/opt/geoworks/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY geoworks geoworks
COPY feeds feeds
COPY maps maps
COPY --from=assets /src/vendor maps/static/vendor
RUN pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
LABEL org.opencontainers.image.title="geoworks" org.opencontainers.image.licenses="MIT"
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin geoworks \
    && install --directory --owner geoworks --group geoworks /maps /data
COPY --from=build /opt/geoworks /opt/geoworks
COPY config.toml /etc/geoworks/config.toml
# Inside the container all addresses are the container's own; what is published is for `docker run -p` to say.
ENV PATH=/opt/geoworks/bin:$PATH PYTHONUNBUFFERED=1 GEOWORKS_SERVER_HOST=0.0.0.0 GEOWORKS_SERVER_PORT=8080 \
    GEOWORKS_DATA_DIR=/data
USER geoworks
WORKDIR /data
VOLUME /data
EXPOSE 8080
# The service drains its connections when told to stop (server.drain_s), so give `docker stop` 40 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['GEOWORKS_SERVER_PORT'] + '/health/live', timeout=4)"]
CMD ["geoworks", "serve", "--config", "/etc/geoworks/config.toml"]
