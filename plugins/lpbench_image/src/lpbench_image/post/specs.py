"""Specifications of the postprocessors; importing this module imports neither cv2 nor numpy."""

from __future__ import annotations

from lpbench.plugin.specs import ProcessorSpec

OPENCV = "pip install opencv-python-headless"
NUMPY = "pip install numpy"

SPECS = (
    ProcessorSpec(
        "mesh",
        "lpbench_image.post.landmarks:Mesh",
        "points of a mesh: landmarks in the picture, and the score of a face",
        requires=("numpy",),
        hint=NUMPY,
        config="lpbench_image.post.config:MeshConfig",
        case="lpbench_image.cases:mesh",
        words={"points": "lpbench_image._words:points"},
    ),
    ProcessorSpec(
        "iris",
        "lpbench_image.post.landmarks:Iris",
        "points of an eye: lids, iris and gaze",
        requires=("numpy",),
        hint=NUMPY,
        config="lpbench_image.post.config:IrisConfig",
        case="lpbench_image.cases:iris",
        words={"points": "lpbench_image._words:points"},
    ),
    ProcessorSpec(
        "head-pose",
        "lpbench_image.post.head_pose:HeadPose",
        "points of a face mesh: yaw, pitch and roll",
        requires=("numpy", "cv2"),
        hint=OPENCV,
        config="lpbench_image.post.config:HeadPoseConfig",
        case="lpbench_image.cases:head_pose",
        words={"yaw": "lpbench_image._words:angles"},
    ),
    ProcessorSpec(
        "keypoints",
        "lpbench_image.post.keypoints:Keypoints",
        "key points of one body or several, with scores",
        requires=("numpy",),
        hint=NUMPY,
        config="lpbench_image.post.config:KeypointsConfig",
        case="lpbench_image.cases:keypoints",
    ),
    ProcessorSpec(
        "embedding",
        "lpbench_image.post.embedding:Vector",
        "a unit vector, and its matches in a gallery",
        requires=("numpy",),
        hint=NUMPY,
        config="lpbench_image.post.config:EmbeddingConfig",
        case="lpbench_image.cases:embedding",
        words={"embedding": "lpbench_image._words:embedding"},
    ),
    ProcessorSpec(
        "age-gender",
        "lpbench_image.post.age_gender:Faces",
        "age and gender of a face",
        requires=("numpy",),
        hint=NUMPY,
        config="lpbench_image.post.config:AgeGenderConfig",
        case="lpbench_image.cases:age_gender",
        words={"age": "lpbench_image._words:person"},
    ),
    ProcessorSpec(
        "mask",
        "lpbench_image.post.mask:Segmentation",
        "scores for each pixel: a mask in the picture's size",
        requires=("numpy", "cv2"),
        hint=OPENCV,
        config="lpbench_image.post.config:MaskConfig",
        case="lpbench_image.cases:mask",
        words={"mask": "lpbench_image._words:mask", "masks": "lpbench_image._words:mask"},
    ),
    ProcessorSpec(
        "text-boxes",
        "lpbench_image.post.text_boxes:TextBoxes",
        "a probability map of text: boxes around its lines, in reading order",
        requires=("numpy", "cv2"),
        hint=OPENCV,
        config="lpbench_image.post.config:TextBoxesConfig",
        case="lpbench_image.cases:text_boxes",
    ),
    ProcessorSpec(
        "ctc",
        "lpbench_image.post.ctc:Ctc",
        "scores for each step: the text",
        requires=("numpy",),
        hint=NUMPY,
        config="lpbench_image.post.config:CtcConfig",
        case="lpbench_image.cases:ctc",
    ),
)
