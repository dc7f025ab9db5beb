from .class_activation import grad_cam
from .flop_count import flops
from .occlusion_map import occlusion
from .projection import project, project_rules
from .randomization import randomization_check
from .receptive_field import receptive_fields

__all__ = ["flops", "grad_cam", "occlusion", "project", "project_rules", "randomization_check", "receptive_fields"]
