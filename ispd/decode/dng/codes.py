"""The numbers of TIFF, EXIF and DNG tags that ispd reads, by their names in the specifications.

Source  TIFF 6.0; TIFF/EP (ISO 12234-2); EXIF 2.32; DNG 1.7.1 chapters 4 and 5
"""

from __future__ import annotations

from enum import IntEnum


class Tag(IntEnum):
    """A tag's number."""

    # the picture's layout
    NewSubfileType = 254
    ImageWidth = 256
    ImageLength = 257
    BitsPerSample = 258
    Compression = 259
    PhotometricInterpretation = 262
    StripOffsets = 273
    Orientation = 274
    SamplesPerPixel = 277
    RowsPerStrip = 278
    StripByteCounts = 279
    PlanarConfiguration = 284
    TileWidth = 322
    TileLength = 323
    TileOffsets = 324
    TileByteCounts = 325
    SubIFDs = 330
    SampleFormat = 339
    JPEGInterchangeFormat = 513
    JPEGInterchangeFormatLength = 514
    # what people wrote or the camera says of itself
    ImageDescription = 270
    Make = 271
    Model = 272
    Software = 305
    DateTime = 306
    Artist = 315
    XMP = 700
    # EXIF
    ExposureTime = 33434
    FNumber = 33437
    ExifIFD = 34665
    GPSInfo = 34853
    PhotographicSensitivity = 34855
    RecommendedExposureIndex = 34866
    DateTimeOriginal = 36867
    DateTimeDigitized = 36868
    SubjectDistance = 37382
    FocalLength = 37386
    BodySerialNumber = 42033
    LensModel = 42036
    # the mosaic
    CFARepeatPatternDim = 33421
    CFAPattern = 33422
    # DNG
    DNGVersion = 50706
    DNGBackwardVersion = 50707
    UniqueCameraModel = 50708
    CFAPlaneColor = 50710
    CFALayout = 50711
    LinearizationTable = 50712
    BlackLevelRepeatDim = 50713
    BlackLevel = 50714
    BlackLevelDeltaH = 50715
    BlackLevelDeltaV = 50716
    WhiteLevel = 50717
    DefaultScale = 50718
    DefaultCropOrigin = 50719
    DefaultCropSize = 50720
    ColorMatrix1 = 50721
    ColorMatrix2 = 50722
    CameraCalibration1 = 50723
    CameraCalibration2 = 50724
    ReductionMatrix1 = 50725
    ReductionMatrix2 = 50726
    AnalogBalance = 50727
    AsShotNeutral = 50728
    AsShotWhiteXY = 50729
    BaselineExposure = 50730
    CameraSerialNumber = 50735
    CalibrationIlluminant1 = 50778
    CalibrationIlluminant2 = 50779
    ActiveArea = 50829
    MaskedAreas = 50830
    CameraCalibrationSignature = 50931
    ProfileCalibrationSignature = 50932
    ProfileName = 50936
    ProfileHueSatMapDims = 50937
    ProfileHueSatMapData1 = 50938
    ProfileHueSatMapData2 = 50939
    ProfileToneCurve = 50940
    ForwardMatrix1 = 50964
    ForwardMatrix2 = 50965
    ProfileLookTableDims = 50981
    ProfileLookTableData = 50982
    OpcodeList1 = 51008
    OpcodeList2 = 51009
    OpcodeList3 = 51022
    NoiseProfile = 51041
    ProfileHueSatMapEncoding = 51107
    ProfileLookTableEncoding = 51108
    BaselineExposureOffset = 51109
    DefaultBlackRender = 51110
    ProfileGainTableMap = 52525
    CalibrationIlluminant3 = 52529
    CameraCalibration3 = 52530
    ColorMatrix3 = 52531
    ForwardMatrix3 = 52532
    IlluminantData1 = 52533
    IlluminantData2 = 52534
    IlluminantData3 = 52535
    ProfileHueSatMapData3 = 52537
    ReductionMatrix3 = 52538
    RGBTables = 52543
    ProfileGainTableMap2 = 52544


CFA_PHOTOMETRIC = 32803  # one color a site
LINEAR_RAW = 34892  # every site has all planes; not yet matched to a screen

UNCOMPRESSED, LOSSLESS_JPEG, LOSSY_JPEG = 1, 7, 34892
COMPRESSIONS = {  # those that a DNG may use; GoPro's GPR adds VC-5
    UNCOMPRESSED: "uncompressed",
    LOSSLESS_JPEG: "JPEG",
    8: "deflate",
    9: "VC-5",
    LOSSY_JPEG: "lossy JPEG",
    52546: "JPEG XL",
}
