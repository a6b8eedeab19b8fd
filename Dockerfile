# One image for every function, loop and job: FUNCTION_SOURCE and FUNCTION_TARGET choose the
# function, a command chooses anything else. Shared code cannot skew between them.

FROM python:3.13-slim AS build

# Wheels only: what would have to be compiled here fails, instead of pulling in a compiler.
COPY requirements/runtime.txt /tmp/runtime.txt
RUN python -m venv /venv \
    && /venv/bin/pip install --disable-pip-version-check --no-cache-dir --no-compile \
       --only-binary :all: --require-hashes --requirement /tmp/runtime.txt \
    && /venv/bin/pip uninstall --quiet --yes pip

# What no process of the shop reads: tests, C sources, type stubs, and debug symbols, which are a
# fifth of it. Libraries in *.libs are left: their wheels have moved sections that strip would break.
RUN apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends binutils >/dev/null \
    && find /venv -name '*.so' -not -path '*.libs/*' -exec strip --strip-debug {} + \
    && cd /venv/lib/python3.13/site-packages \
    && find . -depth -type d \( -name tests -o -name testing \) \
       -exec rm -rf {} + \
    && find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' \
       -o -name '*.h' -o -name '*.cpp' \) -delete

COPY functions /app

# A read-only file system never gets any bytecode, and a start without it takes four times as
# long. Its validity is not looked up in the sources: nothing changes here any more.
RUN python -m compileall -q -j 0 --invalidation-mode unchecked-hash /app /venv/lib


FROM python:3.13-slim

# The image's standard library comes without bytecode.
RUN python -m compileall -q -j 0 -x '/(test|idlelib|turtledemo|tkinter|ensurepip|lib2to3|pydoc_data|site-packages|dist-packages)/' \
       "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"

COPY --from=build /venv /venv
COPY --from=build /app /app

ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app
# By number, so that Kubernetes can tell that it is not root.
USER 10001:10001
EXPOSE 8080
CMD ["python", "-m", "shop.serve"]
