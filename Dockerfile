# The page and the API, for a proxy in front of them: docs/serving.md, "In a container".
FROM python:3.11-slim
WORKDIR /pingze
COPY pyproject.toml README.md LICENSE ./
COPY LICENSES LICENSES
COPY src src
RUN pip install --no-cache-dir '.[serve]'
# nobody, who may write nothing: the server keeps nothing
USER 65534:65534
EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/v1/health', timeout=5)"]
ENTRYPOINT ["pingze", "serve", "--host", "0.0.0.0"]
