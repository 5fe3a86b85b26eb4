# Two images: `service` answers over HTTP (the default target), `pipeline` trains and publishes.
#
#     docker build -t numserve-service .
#     docker run -p 8000:8000 numserve-service
#     docker build -t numserve-pipeline --target pipeline .
#     docker run -v models:/models numserve-pipeline train cnn --dataset digits
#
# A training that is stopped or killed goes on where it was when its container is started again (NUMSERVE_RESUME).
# Both hold the shipped models in /models, run as the user 10001 and read their settings from NUMSERVE_ variables.

# ---- The project's wheel, built as for any other machine
FROM python:3.13-slim AS wheel
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/build.txt /src/requirements/
RUN pip install --quiet --only-binary=:all: --require-hashes -r /src/requirements/build.txt
COPY LICENSE README.md pyproject.toml /src/
COPY pipeline /src/pipeline
COPY service /src/service
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels /src

# ---- The service on its way: everything installed, then all put aside that it does not need
FROM python:3.13-slim AS service-build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_COMPILE=1
COPY requirements/service.txt /src/requirements/
RUN pip install --quiet --only-binary=:all: --require-hashes --target /packages -r /src/requirements/service.txt
# What goes, and why nothing misses it; tests/e2e posts a picture of every format to the finished image.
#   onnxruntime  libonnxruntime.so: the same engine again, for programs in C (a Python session has its own copy);
#                the folders of Python: tools that convert, quantize and optimize models
#   protobuf, flatbuffers: what those tools read models with
#   Pillow       AVIF, fonts, colour profiles and Tk: the service reads six formats, and draws nothing
#   swagger-ui   all but the two files that the page /docs is made of
#   numpy        f2py, the test suites and what only they call, headers and static libraries for compilers
#   everywhere   type stubs, C sources, launchers; then the shared libraries that nothing links to any more
# Licences stay.
RUN set -eu; cd /packages; \
    rm -rf onnxruntime/capi/libonnxruntime.so.* onnxruntime/backend onnxruntime/datasets onnxruntime/quantization \
        onnxruntime/tools onnxruntime/transformers google flatbuffers \
        PIL/_avif.* PIL/_imagingft.* PIL/_imagingcms.* PIL/_imagingtk.* \
        numpy/f2py numpy/_pyinstaller numpy/_core/include numpy/_core/lib numpy/_core/_simd.* numpy/_core/*_tests.*.so \
        flask_swagger_ui/templates bin; \
    find flask_swagger_ui/dist -type f ! -name swagger-ui-bundle.js ! -name swagger-ui.css ! -name LICENSE -delete; \
    find . -depth \( -name tests -o -name __pycache__ \) -type d -exec rm -rf {} +; \
    find . -type f \( -name '*.pyi' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.h' -o -name '*.a' \) -delete; \
    find . -name '*.so' -exec ldd {} + >/tmp/linked; \
    find ./*.libs -type f | while read -r library; do \
        grep -qF "$(basename "$library")" /tmp/linked || rm "$library"; done
COPY --from=wheel /wheels /wheels
RUN pip install --quiet --no-deps --target /app /wheels/*.whl && rm -rf /app/pipeline /app/bin
# Python itself goes the same way: no pip, no compiler's needs, no consoles, windows or databases.
RUN set -eu; cd /usr/local/lib/python3.*; \
    rm -rf site-packages/* ensurepip idlelib tkinter turtle.py turtledemo lib2to3 pydoc_data test config-3* \
        curses dbm sqlite3 venv __pycache__ \
        lib-dynload/_curses* lib-dynload/_dbm* lib-dynload/_gdbm* lib-dynload/_sqlite3* lib-dynload/_tkinter* \
        lib-dynload/readline* lib-dynload/_test* lib-dynload/*test.* lib-dynload/xxlimited*
# What is imported at the start is compiled now: the running container cannot write, and would compile at every start.
# This is also the proof that an import misses nothing of what has gone.
ENV PYTHONPATH=/app:/packages ORT_DISABLE_TELEMETRY=1
RUN python -c 'import http.client, service.__main__, service.server, service.app'
# The root of the image: Python, the packages, the C libraries that either links to, and one user.
RUN set -eu; mkdir -p /root-of-image; cd /root-of-image; mkdir -m 1777 tmp; mkdir -p etc usr/local/bin; \
    cp -a --parents /usr/local/bin/python* /usr/local/lib/libpython* /usr/local/lib/python3.* /packages .; \
    rm -f usr/local/bin/*-config; \
    find . -type f \( -name '*.so*' -o -path './usr/local/bin/python3.*' \) -exec ldd {} + \
        | grep -o '/[^ ]*\.so[^ ]*' | grep -e '^/lib' -e '^/usr/lib' | sort -u \
        | xargs cp -L --parents -t .; \
    cp -a /etc/ld.so.conf /etc/ld.so.conf.d etc; ldconfig -r .; \
    echo 'numserve:x:10001:10001:numserve:/app:/sbin/nologin' >etc/passwd; echo 'numserve:x:10001:' >etc/group

# ---- The pipeline's packages
FROM python:3.13-slim AS pipeline-build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/pipeline.txt /src/requirements/
# As in the service, no second copy of onnxruntime for programs in C; and no test suites and type stubs.
RUN pip install --quiet --only-binary=:all: --require-hashes --target /packages -r /src/requirements/pipeline.txt \
    && rm -rf /packages/bin /packages/onnxruntime/capi/libonnxruntime.so.* \
    && find /packages -depth -name tests -type d -exec rm -rf {} + \
    && find /packages -name '*.pyi' -delete
COPY --from=wheel /wheels /wheels
RUN pip install --quiet --no-deps --target /app /wheels/*.whl && rm -rf /app/service /app/bin

# ---- pipeline: one job after another
FROM python:3.13-slim AS pipeline
RUN useradd --uid 10001 --no-create-home --home-dir /tmp numserve \
    && install -d -o numserve -g numserve /models /runs /data /work
COPY --from=pipeline-build /packages /packages
COPY --from=pipeline-build /app /app
COPY --chown=10001:10001 models /models
ENV PYTHONPATH=/app:/packages PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ORT_DISABLE_TELEMETRY=1 \
    MPLCONFIGDIR=/tmp/matplotlib NUMSERVE_STORE=/models NUMSERVE_RUNS=/runs NUMSERVE_DATA=/data NUMSERVE_RESUME=1
USER 10001:10001
WORKDIR /work
ENTRYPOINT ["python", "-m", "pipeline"]
CMD ["--help"]

# ---- service: no shell, no package manager, nothing that it does not run (`docker exec … python` looks inside)
FROM scratch AS service
COPY --from=service-build /root-of-image /
COPY --from=service-build /app /app
COPY --chown=10001:10001 models /models
ENV PATH=/usr/local/bin LANG=C.UTF-8 PYTHONPATH=/app:/packages PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 NUMSERVE_STORE=/models NUMSERVE_HOST=0.0.0.0 NUMSERVE_PORT=8000
USER 10001:10001
WORKDIR /app
EXPOSE 8000
# Ready means that the default model answers. http.client alone, so that a look costs a few hundredths of a second.
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s CMD ["python", "-IS", "-c", "\
import http.client, os, sys; \
ask = http.client.HTTPConnection('127.0.0.1', int(os.environ['NUMSERVE_PORT']), timeout=3); \
ask.request('GET', '/readyz'); \
sys.exit(ask.getresponse().status != 200)"]
ENTRYPOINT ["python", "-m", "service"]
