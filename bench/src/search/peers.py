"""Asks programs from PyPI for the ten nearest of the vectors in a file, and prints a line of JSON for each.

Arguments: the file (float32, one vector after the other), dimensions, questions.
"""

import json
import sys
import tempfile
import time

import chromadb
import lancedb
import numpy as np
import pyarrow
from lancedb.index import HnswSq

K = 10


def lancedb_search(vectors):
    arrays = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.reshape(-1)), vectors.shape[1])
    rows = pyarrow.table({"place": pyarrow.array(range(len(vectors))), "vector": arrays})
    table = lancedb.connect(tempfile.mkdtemp()).create_table("vectors", rows)
    table.create_index("vector", config=HnswSq(distance_type="cosine"))
    return lambda question: [row["place"] for row in table.search(question).distance_type("cosine").select(["place", "_distance"]).limit(K).to_list()]


def chromadb_search(vectors):
    client = chromadb.PersistentClient(tempfile.mkdtemp(), chromadb.Settings(anonymized_telemetry=False))
    collection = client.create_collection("vectors", configuration={"hnsw": {"space": "cosine"}}, embedding_function=None)
    for begin in range(0, len(vectors), 5000):
        part = vectors[begin : begin + 5000]
        collection.add(ids=[str(begin + place) for place in range(len(part))], embeddings=part)
    return lambda question: [int(place) for place in collection.query(query_embeddings=[question], n_results=K, include=[])["ids"][0]]


def main(path, dimension, count):
    vectors = np.fromfile(path, dtype=np.float32).reshape(-1, dimension)
    # As the bench places them: vectors of the workspace, every seventh.
    questions = vectors[[place * 7 % len(vectors) for place in range(count)]]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    exact = [set(np.argsort(-(unit @ question))[:K].tolist()) for question in questions]
    peers = (("chromadb " + chromadb.__version__, chromadb_search), ("lancedb " + lancedb.__version__, lancedb_search))
    for name, build in peers:
        begin = time.perf_counter()
        search = build(vectors)
        built = time.perf_counter()
        search(questions[0])
        asked = time.perf_counter()
        found = [search(question) for question in questions]
        end = time.perf_counter()
        shares = [len(exact[place].intersection(places)) / K for place, places in enumerate(found)]
        figures = {
            "name": name,
            "build_s": built - begin,
            "questions_per_second": count / (end - asked),
            "recall_at_10": sum(shares) / count,
        }
        print(json.dumps(figures), flush=True)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
