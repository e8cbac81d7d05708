# The image that Flyte 1 workflows are driven in on a cluster (docs/driver.md):
#   docker build -f driver.Dockerfile -t registry.example/flyte-bridge-driver:0.1.0 .
# It holds what the driver imports and nothing else: neither SDK, no compiler, no shell script.

FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY bridge bridge
COPY cli cli
COPY translators translators
# The versions that pyproject.toml allows, of the distributions that the driver's process imports; a test holds the list.
ENV NEEDED="flyteidl flyteidl2 fsspec grpcio networkx obstore protobuf"
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
# Any user will do: the driver writes no files but to the object storage.
USER 65532:65532
# No entry point: Flyte runs the command that the deployed task names, `flyte-bridge-driver …`.
