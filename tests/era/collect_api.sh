#!/usr/bin/env bash
# Enumerates the public names of TensorFlow and Keras versions: installs each one, runs enumerate_api.py in it, removes it.
# usage: collect_api.sh DIR [VERSION ...]        e.g. collect_api.sh /tmp/api 1.4 2.8 keras-3.5; default: all of them
# DIR/dumps/*.tsv are the results (kept when they exist). Needs pyenv with CPython 3.6 to 3.11 and about 3 GB free; Keras alone
# needs HOST, the Python of an environment with TensorFlow (3.x: 2.21, 1.x: 1.2). KEEP=1 keeps the environments.
# 0.12 has no wheel for Python 3 here: make_envs.sh DIR py27, then DIR/py27/bin/python enumerate_api.py DIR/dumps/tf-0.12.tsv.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: collect_api.sh DIR [VERSION ...]}; shift || true
mkdir -p "$dir/dumps"
root=$(pyenv root)/versions
python_of() { ls -d "$root/$1".* | sort -V | tail -n 1; }
unset TF_USE_LEGACY_KERAS
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES=''
pins36=$dir/pins36.txt
printf '%s\n' 'werkzeug<1' 'absl-py<1' 'markdown<3.3' 'numpy<1.17' 'protobuf<3.18' 'grpcio<1.40' 'six<1.17' \
  'html5lib==0.9999999' 'bleach==1.5.0' 'scipy<1.5' 'h5py<3' 'pyyaml<6' >"$pins36"
# version, Python, requirements (the Keras of the same months where both are separate packages)
releases='
1.2  3.6 tensorflow==1.2.1 keras==2.0.8
1.10 3.6 tensorflow==1.10.0 keras==2.1.6
1.15 3.7 tensorflow==1.15.5 keras==2.3.1 protobuf<3.21 h5py<3
2.21 3.11 tensorflow-cpu==2.21.0 keras==3.15.1
1.4  3.6 tensorflow==1.4.1 keras==2.1.2
1.6  3.6 tensorflow==1.6.0
1.8  3.6 tensorflow==1.8.0
1.12 3.6 tensorflow==1.12.3 keras==2.2.4
1.13 3.6 tensorflow==1.13.2
1.14 3.6 tensorflow==1.14.0
2.0  3.7 tensorflow==2.0.4 protobuf<3.21 h5py<3
2.1  3.7 tensorflow-cpu==2.1.4 protobuf<3.21
2.2  3.8 tensorflow-cpu==2.2.3 protobuf<3.21
2.3  3.8 tensorflow-cpu==2.3.4 protobuf<3.21
2.4  3.8 tensorflow-cpu==2.4.4 protobuf<3.21 keras==2.4.3
2.5  3.9 tensorflow-cpu==2.5.3 protobuf<3.21 numpy<1.24
2.6  3.9 tensorflow-cpu==2.6.5 keras==2.6.0 protobuf<3.21 numpy<1.24
2.7  3.9 tensorflow-cpu==2.7.4 protobuf<3.21 numpy<1.24
2.8  3.10 tensorflow-cpu==2.8.4 protobuf<3.21 numpy<1.24
2.9  3.10 tensorflow-cpu==2.9.3 numpy<1.24
2.10 3.10 tensorflow-cpu==2.10.1 numpy<1.24
2.11 3.10 tensorflow-cpu==2.11.1 numpy<1.24
2.12 3.11 tensorflow-cpu==2.12.1
2.13 3.11 tensorflow-cpu==2.13.1
2.14 3.11 tensorflow-cpu==2.14.1
2.15 3.11 tensorflow-cpu==2.15.1
2.16 3.11 tensorflow-cpu==2.16.2 keras==3.3.3
2.17 3.11 tensorflow-cpu==2.17.1 keras==3.5.0
2.18 3.11 tensorflow-cpu==2.18.1 keras==3.6.0
2.19 3.11 tensorflow-cpu==2.19.1 keras==3.9.2
2.20 3.11 tensorflow-cpu==2.20.0 keras==3.11.3
'
enumerate() { # python, output
  nice -n 10 "$1" "$here/enumerate_api.py" "$2.part" ${3:-} 2>"$2.log" && mv "$2.part" "$2"
}
collect_release() { # version, Python, requirements...
  local version=$1 python=$2 env="$dir/env-$1"; shift 2
  "$(python_of "$python")/bin/python" -m venv "$env" || return 1
  case $python in
    3.6) "$env/bin/pip" install -q 'pip==21.3.1' 2>/dev/null; nice -n 10 "$env/bin/pip" install -q --no-cache-dir -c "$pins36" "$@" >/dev/null 2>"$env.log" ;;
    *) nice -n 10 "$env/bin/pip" install -q --no-cache-dir 'setuptools<80' "$@" >/dev/null 2>"$env.log" ;;
  esac || { echo "$version: not installed"; tail -n 3 "$env.log"; rm -rf "$env"; return 1; }
  enumerate "$env/bin/python" "$dir/dumps/tf-$version.tsv" || { echo "$version: not enumerated"; tail -n 3 "$dir/dumps/tf-$version.tsv.log"; }
  [ -n "${KEEP:-}" ] || rm -rf "$env"
}
while read -r version python requirements; do
  [ -n "$version" ] || continue
  [ $# -eq 0 ] || [[ " $* " == *" $version "* ]] || continue
  [ -s "$dir/dumps/tf-$version.tsv" ] && continue
  collect_release "$version" "$python" $requirements
done <<<"$releases"
[ $# -gt 0 ] || [ -z "${HOST:-}" ] || set -- keras-3.0 keras-3.1 keras-3.2 keras-3.4 keras-3.7 keras-3.8 keras-3.10 keras-3.12 keras-3.13 keras-3.14
# Keras alone, on a TensorFlow that is already there: HOST is the Python of an environment with it.
for version in "$@"; do
  case $version in keras-*) ;; *) continue ;; esac
  [ -s "$dir/dumps/$version.tsv" ] && continue
  target="$dir/$version"
  case $version in keras-3.0) extra='dm-tree' ;; *) extra='' ;; esac     # what it imports and TensorFlow does not bring
  "${HOST:?the Python of an environment with TensorFlow}" -m pip install -q --no-cache-dir --no-deps --target "$target" "keras==${version#keras-}.*" $extra 2>"$target.log" || { echo "$version: not installed"; continue; }
  PYTHONPATH="$target" enumerate "$HOST" "$dir/dumps/$version.tsv" --only-keras || { echo "$version: not enumerated"; tail -n 3 "$dir/dumps/$version.tsv.log"; }
  rm -rf "$target"
done
