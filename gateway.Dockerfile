# The image of the gateway, `flyte-bridge serve`: Flyte 1's control plane in front of a Flyte 2 (docs/cluster.md):
#   docker build -f gateway.Dockerfile -t registry.example/flyte-bridge-gateway:0.1.0 .
# It holds what serving imports and nothing else: neither SDK, no compiler.

FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY bridge bridge
COPY cli cli
COPY translators translators
# The versions that pyproject.toml allows, of the distributions that serving can import; a test holds the list.
# tzdata is no import: it has the time zones of schedules, which a slim image lacks.
ENV NEEDED="click croniter flyteidl flyteidl2 fsspec grpcio grpcio-health-checking hypercorn jinja2 msgpack networkx obstore protobuf pydantic pydantic-settings rich tzdata"
RUN python -c "import os, re, tomllib; \
    wanted = os.environ['NEEDED'].split(); \
    pins = tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']; \
    print(*[pin for pin in pins if re.match(r'[\w-]+', pin)[0] in wanted], sep='\n')" > /requirements.txt \
 && python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir -r /requirements.txt \
 && /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Any user will do: the gateway writes no files.
USER 65532:65532
EXPOSE 8088 8089
ENTRYPOINT ["flyte-bridge", "serve"]
