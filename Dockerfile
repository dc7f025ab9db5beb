# kzoo on CPUs, with the versions that its tests passed with:
# docker build -t kzoo . && docker run --rm -v "$PWD:/work" kzoo train mnist1d_cnn
FROM python:3.11-slim
COPY pyproject.toml hatch_build.py constraints.txt README.md LICENSE /kzoo/
COPY zoo_configs /kzoo/zoo_configs
COPY results /kzoo/results
COPY kzoo /kzoo/kzoo
RUN pip install --no-cache-dir --constraint /kzoo/constraints.txt "/kzoo[export]" && rm -r /kzoo \
    && useradd --create-home kzoo && install --directory --owner kzoo /work
USER kzoo
WORKDIR /work
ENTRYPOINT ["kzoo"]
