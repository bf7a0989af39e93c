"""Models on Amazon Bedrock: chat through Converse, embeddings and reranking through InvokeModel.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html
"""

from providers.protocols.bedrock.protocol import Bedrock

__all__ = ["Bedrock"]
