"""Tiny models of images, with planted answers or with random weights; each with the files that its family publishes."""

import json
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from evaluation.benchmarks.sources.generated_scenes import COLOURS, SHAPES, questions, references, scenes

NAMES = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
RESNET = {
    "embedding_size": 8,
    "hidden_sizes": [8, 16],
    "depths": [1, 1],
    "layer_type": "basic",
    "out_features": ["stage2"],
}


def named(labels):
    return {"id2label": dict(enumerate(labels)), "label2id": {label: number for number, label in enumerate(labels)}}


def write_processor(folder: Path, kind: str, **facts):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_processor_type": kind, **facts}))


SQUARE = {"do_resize": True, "size": {"height": 32, "width": 32}, "do_rescale": True, "do_normalize": True,
          "image_mean": [0.5] * 3, "image_std": [0.5] * 3}  # fmt: skip


def save_resnet(folder: Path):
    torch.manual_seed(0)
    config = transformers.ResNetConfig(**RESNET, **named(NAMES))
    _settled(transformers.ResNetForImageClassification(config)).save_pretrained(folder)
    write_processor(folder, "ConvNextImageProcessor", size={"shortest_edge": 32}, crop_pct=0.875)
    return folder


def save_efficientnet(folder: Path):
    torch.manual_seed(0)
    config = transformers.EfficientNetConfig(
        image_size=32, width_coefficient=0.25, depth_coefficient=0.1, depth_divisor=8, hidden_dim=320,
        in_channels=[32, 16], out_channels=[16, 24], kernel_sizes=[3, 3], strides=[1, 2], num_block_repeats=[1, 1],
        expand_ratios=[1, 6], depthwise_padding=[], batch_norm_eps=1e-8, initializer_range=0.3, **named(NAMES),
    )  # fmt: skip
    _settled(transformers.EfficientNetForImageClassification(config)).save_pretrained(folder)
    write_processor(folder, "EfficientNetImageProcessor", **SQUARE)
    return folder


def save_vit(folder: Path, **changes):
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        image_size=32, patch_size=8, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        initializer_range=0.3, **named(NAMES), **changes,
    )  # fmt: skip
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    write_processor(folder, "ViTImageProcessor", **SQUARE)
    return folder


def save_unresized(folder: Path):
    """A ResNet that looks at images as they come: only equal sizes can share a batch."""
    save_resnet(folder)
    write_processor(folder, "ViTImageProcessor", do_resize=False, do_rescale=True, do_normalize=False)
    return folder


def save_yolos(folder: Path, labels=SHAPES):
    torch.manual_seed(0)
    config = transformers.YolosConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, image_size=[64, 64],
        patch_size=16, num_detection_tokens=12, initializer_range=0.5, use_mid_position_embeddings=False,
        **named(labels),
    )  # fmt: skip
    transformers.YolosForObjectDetection(config).save_pretrained(folder)
    write_processor(
        folder, "YolosImageProcessor", format="coco_detection", do_resize=True, do_rescale=True, do_normalize=True,
        do_pad=True, size={"shortest_edge": 64, "longest_edge": 96}, image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )  # fmt: skip
    return folder


def save_detr(folder: Path, labels=SHAPES):
    """DETR on a ResNet backbone of transformers itself."""
    torch.manual_seed(0)
    config = transformers.DetrConfig(
        use_timm_backbone=False, backbone_config=transformers.ResNetConfig(**RESNET), backbone=None,
        use_pretrained_backbone=False, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=64, decoder_ffn_dim=64, num_queries=15, init_std=0.5,
        init_xavier_std=2.0, **named(labels),
    )  # fmt: skip
    _shaken(transformers.DetrForObjectDetection(config)).save_pretrained(folder)
    write_processor(
        folder, "DetrImageProcessor", format="coco_detection", do_resize=True, do_rescale=True, do_normalize=True,
        do_pad=True, size={"shortest_edge": 64, "longest_edge": 96}, image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )  # fmt: skip
    return folder


def save_centre_finder(folder: Path):
    """A YOLOS that answers every image alike: one surely seen square in the middle half, whatever it looks at."""
    save_yolos(folder)
    model = transformers.YolosForObjectDetection.from_pretrained(folder)
    with torch.no_grad():
        for head, wanted in (
            (model.class_labels_classifier, [-9.0, 5.0, -9.0, -9.0]),
            (model.bbox_predictor, [0.0, 0.0, 0.0, 0.0]),
        ):
            head.layers[-1].weight.zero_()
            head.layers[-1].bias[:] = torch.tensor(wanted)
    model.save_pretrained(folder)
    return folder


def save_segformer(folder: Path, labels=("ground", *SHAPES)):
    torch.manual_seed(0)
    config = transformers.SegformerConfig(
        num_encoder_blocks=2, depths=[1, 1], sr_ratios=[2, 1], hidden_sizes=[8, 16], patch_sizes=[3, 3], strides=[2, 2],
        num_attention_heads=[1, 2], mlp_ratios=[2, 2], decoder_hidden_size=16, initializer_range=0.5, **named(labels),
    )  # fmt: skip
    _shaken(transformers.SegformerForSemanticSegmentation(config)).save_pretrained(folder)
    write_processor(folder, "SegformerImageProcessor", **SQUARE)
    return folder


def save_colour_painter(folder: Path):
    """A SegFormer that calls every pixel `square`: its score is the share of squares."""
    save_segformer(folder)
    model = transformers.SegformerForSemanticSegmentation.from_pretrained(folder)
    with torch.no_grad():
        model.decode_head.classifier.weight.zero_()
        model.decode_head.classifier.bias[:] = torch.tensor([0.0, 0.0, 1.0, 0.0])
    model.save_pretrained(folder)
    return folder


def save_mask2former(folder: Path, labels=("ground", *SHAPES)):
    torch.manual_seed(0)
    backbone = transformers.SwinConfig(
        image_size=64, patch_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=32,
        encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=32, num_queries=8,
        init_xavier_std=2.0, init_std=0.5, **named(labels),
    )  # fmt: skip
    transformers.Mask2FormerForUniversalSegmentation(config).save_pretrained(folder)
    write_processor(
        folder, "Mask2FormerImageProcessor", **(SQUARE | {"size": {"height": 64, "width": 64}}), ignore_index=255
    )  # fmt: skip
    return folder


def word_tokenizer(texts):
    """Whole words, framed as BERT frames them."""
    words = sorted({word for text in texts for word in pieces(text)})
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate([*SPECIAL, *words])}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=32, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]", eos_token="[SEP]", bos_token="[CLS]",
    )  # fmt: skip


def pieces(text):
    return [word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)]


def all_captions():
    return [text for split in ("train", "test") for scene in scenes(split) for text in references(scene)] + [
        f"a picture of one {name} on a grey ground" for name in NAMES
    ]


def save_clip(folder: Path):
    torch.manual_seed(0)
    tokenizer = word_tokenizer(all_captions())
    tokenizer.save_pretrained(folder)
    text = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 2, "max_position_embeddings": 32, "bos_token_id": 2, "eos_token_id": 3,
        "pad_token_id": 0,
    }  # fmt: skip
    vision = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 8,
    }  # fmt: skip
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=16, initializer_factor=8.0)
    transformers.CLIPModel(config).save_pretrained(folder)
    write_processor(
        folder, "CLIPImageProcessor", do_resize=True, size={"shortest_edge": 32}, do_center_crop=True,
        crop_size={"height": 32, "width": 32}, do_rescale=True, do_normalize=True, do_convert_rgb=True,
        image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )  # fmt: skip
    return folder


def save_captioner(folder: Path):
    """BLIP with random weights: what it writes is nonsense, and always the same nonsense."""
    torch.manual_seed(0)
    tokenizer = word_tokenizer(all_captions())
    tokenizer.save_pretrained(folder)
    text = {
        "vocab_size": len(tokenizer), "hidden_size": 32, "encoder_hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64, "bos_token_id": 2,
        "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0, "projection_dim": 16, "initializer_range": 0.5,
    }  # fmt: skip
    vision = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 8, "initializer_range": 0.5,
    }  # fmt: skip
    config = transformers.BlipConfig(text_config=text, vision_config=vision, projection_dim=16)
    transformers.BlipForConditionalGeneration(config).save_pretrained(folder)
    write_processor(folder, "BlipImageProcessor", **SQUARE)
    return folder


def save_git(folder: Path):
    """GIT with random weights, which keeps its wishes for writing in generation_config.json."""
    torch.manual_seed(0)
    tokenizer = word_tokenizer(all_captions())
    tokenizer.save_pretrained(folder)
    vision = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 8,
    }  # fmt: skip
    config = transformers.GitConfig(
        vision_config=vision, vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=64, bos_token_id=2, eos_token_id=3, pad_token_id=0,
        initializer_range=0.5,
    )  # fmt: skip
    transformers.GitForCausalLM(config).save_pretrained(folder)
    write_processor(folder, "BlipImageProcessor", **SQUARE)
    return folder


def save_answerer(folder: Path, always: str | None = None):
    """ViLT that chooses among the answers there are; with `always` one and the same."""
    torch.manual_seed(0)
    answers = sorted({answer for _, _, _, answer in questions("train")})
    tokenizer = word_tokenizer([question for _, _, question, _ in questions("train")])
    tokenizer.save_pretrained(folder)
    config = transformers.ViltConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=24, image_size=64, patch_size=16, initializer_range=0.3, **named(answers),
    )  # fmt: skip
    model = transformers.ViltForQuestionAnswering(config)
    if always is not None:
        with torch.no_grad():
            model.classifier[-1].weight.zero_()
            model.classifier[-1].bias[:] = torch.tensor([float(answer == always) for answer in answers])
    model.save_pretrained(folder)
    write_processor(
        folder, "ViltImageProcessor", do_resize=True, size={"shortest_edge": 64}, size_divisor=16, do_rescale=True,
        do_normalize=True, do_pad=True, image_mean=[0.5] * 3, image_std=[0.5] * 3,
    )  # fmt: skip
    return folder


def _settled(model):
    """Batch norms that have seen colours, so that different colours get different answers."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        [layer for layer in model.modules() if isinstance(layer, torch.nn.Linear)][-1].weight.mul_(30)
        model.train()(pixel_values=torch.randn(32, 3, 1, 1).expand(-1, -1, 32, 32))
    return model.eval()


def _shaken(model):
    """Means and variances as if batches had been seen: fresh ones would hide a batch norm left in training mode."""
    for name, values in model.named_buffers():
        if name.endswith("running_mean"):
            values.normal_(0, 0.1)
        elif name.endswith("running_var"):
            values.uniform_(0.5, 1.5)
    return model.eval()
